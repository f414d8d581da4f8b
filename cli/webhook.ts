/** `outboard webhook secret | rotate | deliveries | redeliver`: what signs webhooks, and what became of them. */
import { Command } from 'commander';
import type { Delivery, WebhookSecret } from '../client/outboard.ts';
import { type ConnectionFlags, connect, withConnection } from './connection.ts';
import { tableText } from './table.ts';

export function webhookCommand(): Command {
  const command = new Command('webhook').description(
    'the secrets that sign webhooks, and what became of them',
  );
  const secret = new Command('secret')
    .description('what a receiver checks signatures with')
    .action(async (flags: ConnectionFlags) => print(await connect(flags).webhooks.secret()));
  const rotate = new Command('rotate')
    .description('a new secret; the one before signs too, until the next rotation')
    .action(async (flags: ConnectionFlags) => print(await connect(flags).webhooks.rotate()));
  const deliveries = new Command('deliveries')
    .description('what the webhook of a job was told')
    .argument('<job>')
    .action(async (job: string, flags: ConnectionFlags) => {
      const found = await connect(flags).webhooks.deliveries(job);
      console.log(tableText(['ID', 'EVENT', 'STATE', 'ATTEMPTS', 'LAST', 'NEXT'], found.map(row)));
    });
  const redeliver = new Command('redeliver')
    .description('send an event again')
    .argument('<job>')
    .argument('<delivery>')
    .action(async (job: string, delivery: string, flags: ConnectionFlags) => {
      const { id, state } = await connect(flags).webhooks.redeliver(job, delivery);
      console.log(`${id} ${state}`);
    });
  for (const each of [secret, rotate, deliveries, redeliver]) command.addCommand(withConnection(each));
  return command;
}

function print({ current, previous }: WebhookSecret): void {
  console.log(current);
  if (previous !== undefined) console.log(`${previous} (the one before)`);
}

function row({ id, event, state, attempts, next_attempt_at: next }: Delivery): string[] {
  const [last] = attempts;
  const seen = last === undefined ? '-' : [last.status, last.reason].filter((each) => each).join(' ');
  return [id, event, state, String(attempts.length), seen, next ?? '-'];
}
