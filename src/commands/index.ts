import { addMasterTokenCommand } from './add-master-token.ts';
import { addServerCommand } from './add-server.ts';
import { billCommand } from './bill.ts';
import { checkDocumentCommand } from './check-document.ts';
import { classifyCommand } from './classify.ts';
import type { Command } from './command.ts';
import { createUserCommand } from './create-user.ts';
import { doctorCommand } from './doctor.ts';
import { migrateCommand } from './migrate.ts';
import { proveLedgerCommand } from './prove-ledger.ts';
import { seedCommand } from './seed.ts';

export const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: migrateCommand,
  'create-user': createUserCommand,
  doctor: doctorCommand,
  'add-server': addServerCommand,
  'add-master-token': addMasterTokenCommand,
  seed: seedCommand,
  classify: classifyCommand,
  bill: billCommand,
  'check-document': checkDocumentCommand,
  'prove-ledger': proveLedgerCommand,
};

export function usageText(): string {
  const heads = Object.entries(COMMANDS).map(([name, { usage }]) => `${name} ${usage}`.trim());
  const width = Math.min(Math.max(...heads.map((head) => head.length)), 40);
  const lines = Object.values(COMMANDS).map(({ summary }, index) => {
    const head = heads[index] ?? '';
    return head.length > width
      ? `  ${head}\n  ${' '.repeat(width)}  ${summary}`
      : `  ${head.padEnd(width)}  ${summary}`;
  });
  return `usage: node src/cli.ts COMMAND\n${lines.join('\n')}\n`;
}
