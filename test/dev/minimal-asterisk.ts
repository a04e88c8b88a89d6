import { writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type AsteriskInstance, createInstance } from '../../dev/services/asterisk.ts';
import { ensureAsteriskRoot } from '../../dev/services/asterisk-root.ts';

/** An Asterisk with hardly a module: enough to see it start, answer and end. */
export async function minimalAsterisk(): Promise<AsteriskInstance> {
  const root = await ensureAsteriskRoot({ cacheDir: join(homedir(), '.cache', 'pabx-virtual') });
  const instance = createInstance(root, 'boot-test');
  const own = ['astetcdir', 'astvarlibdir', 'astdbdir', 'astspooldir', 'astrundir', 'astlogdir'];
  const folders = own.map((name) => `${name} => ${instance.inside}`);
  const installed = [`astmoddir => ${instance.modulesDir}`, `astdatadir => ${instance.dataDir}`];
  const files: Record<string, string[]> = {
    'asterisk.conf': ['[directories]', ...folders, ...installed, '[options]'],
    'modules.conf': ['[modules]', 'autoload=no', 'load=pbx_config.so'],
    'extensions.conf': ['[boot-test]', 'exten => 100,1,Hangup()'],
  };
  for (const [name, lines] of Object.entries(files)) {
    writeFileSync(join(instance.outside, name), `${lines.join('\n')}\n`);
  }
  return instance;
}
