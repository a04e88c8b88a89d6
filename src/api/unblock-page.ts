import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { BlockLinks } from '../admin/block-links.ts';
import { inLanguage, type Language, preferredLanguage, say } from '../contract/language.ts';
import { formatMoment } from '../domain/cycle.ts';
import { type BlockRow, findBlock, liftBlock } from '../stores/postgres/blocks.ts';
import type { Db } from '../stores/postgres/connect.ts';
import { type Actor, changeAsSystem } from '../stores/postgres/tenancy.ts';

const POLICY = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";

const TITLE = say('Blocked calls', 'Chamadas bloqueadas');
const OVER = say(
  'This link is no longer good: it was used, its time is over, or the block has ended.',
  'Este link não vale mais: já foi usado, o prazo passou ou o bloqueio terminou.',
);
const LIFTED = say('Done: the calls work again.', 'Pronto: as chamadas voltaram a funcionar.');
const CONFIRM = say('The calls are ours: lift the block', 'As chamadas são nossas: desbloquear');
const OTHERWISE = say(
  'If you did not make these calls, close this page and change the passwords of your phones.',
  'Se essas chamadas não são suas, feche esta página e troque as senhas dos seus telefones.',
);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => ENTITIES[sign] ?? sign);

function describe({ subscriber_name, extension, ends_at }: BlockRow): string {
  const of = [subscriber_name, extension].filter(Boolean).join(', ');
  const until = formatMoment(ends_at);
  return say(
    `Calls of ${of} are blocked until ${until} (São Paulo), because they look like fraud.`,
    `As chamadas de ${of} estão bloqueadas até ${until} (São Paulo), porque parecem fraude.`,
  );
}

function page(language: Language, texts: readonly string[], button: string | null): string {
  const told = (text: string) => escaped(inLanguage(text, language));
  return `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>${told(TITLE)}</title>
<h1>${told(TITLE)}</h1>
${texts.map((text) => `<p>${told(text)}</p>`).join('\n')}
${button === null ? '' : `<form method="post"><button>${told(button)}</button></form>`}
</html>
`;
}

const byLink = (address: string): Actor => ({
  kind: 'SYSTEM',
  id: null,
  name: 'link',
  role: null,
  as_reseller_id: null,
  as_subscriber_id: null,
  impersonating: false,
  reason: null,
  address,
});

/**
 * Where a link to lift a block leads. Looking changes nothing, so that programs which open the links of a mail do not
 * lift it; the button does.
 */
export function addUnblockPage(
  app: FastifyInstance,
  { system, links }: { readonly system: Db; readonly links: BlockLinks },
): void {
  type Asked = FastifyRequest<{ Params: { token: string } }>;

  async function blockOf({ params }: Asked): Promise<BlockRow | null> {
    const block_id = links.open(params.token, Date.now());
    const row = block_id === null ? null : await findBlock(system, block_id);
    return row && row.lifted_at === null && row.ends_at.getTime() > Date.now() ? row : null;
  }

  function answer(request: Asked, reply: FastifyReply, texts: readonly string[] | null, button?: string) {
    const language = preferredLanguage(request.headers['accept-language']);
    reply.header('content-security-policy', POLICY).header('cache-control', 'no-store');
    reply.code(texts === null ? 404 : 200).type('text/html; charset=utf-8');
    return reply.send(page(language, texts ?? [OVER], button ?? null));
  }

  app.register(async (scope) => {
    // What a form sends besides its address is of no interest.
    scope.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
      payload.resume();
      done(null, null);
    });
    scope.get('/unblock/:token', async (request: Asked, reply) => {
      const row = await blockOf(request);
      return row ? answer(request, reply, [describe(row), OTHERWISE], CONFIRM) : answer(request, reply, null);
    });
    scope.post('/unblock/:token', async (request: Asked, reply) => {
      const row = await blockOf(request);
      const isLifted =
        row !== null &&
        (await changeAsSystem(system, byLink(request.ip), (tx) => liftBlock(tx, row.id, 'link')));
      return answer(request, reply, isLifted ? [LIFTED] : null);
    });
  });
}
