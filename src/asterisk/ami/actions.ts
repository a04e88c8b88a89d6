import { type AmiConnection, AmiError, amiText } from './connection.ts';

/** Family of the AstDB in which the dialplan keeps its journal of answered calls. */
const JOURNAL = 'pabx';

/**
 * Lets a channel live `seconds` more, counted from now (the switch's own absolute time-out).
 * False when the channel is gone.
 */
export async function setAbsoluteTimeout(
  ami: AmiConnection,
  channel_name: string,
  seconds: number,
): Promise<boolean> {
  return setVariable(ami, channel_name, 'TIMEOUT(absolute)', seconds.toFixed(3));
}

export async function setVariable(
  ami: AmiConnection,
  channel_name: string,
  name: string,
  value: string,
): Promise<boolean> {
  const answer = await ami.send({ Action: 'Setvar', Channel: channel_name, Variable: name, Value: value });
  if (amiText(answer.response).toLowerCase() === 'success') return true;
  if (/no such channel/i.test(amiText(answer.message))) return false;
  throw new AmiError(`AMI Setvar ${name}: ${amiText(answer.message)}`);
}

/** What time the switch has, in ms since 1970: moments that it tells can only be compared with its own clock. */
export async function readClock(ami: AmiConnection): Promise<number> {
  const answer = await ami.send({ Action: 'Ping' });
  const seconds = Number(amiText(answer.timestamp));
  if (!(seconds > 0)) throw new AmiError(`AMI Ping told no time: ${amiText(answer.timestamp)}`);
  return seconds * 1000;
}

/** One row of the journal: the call it is about, the 100-second bucket it was written in, and what it says. */
export interface JournalRow {
  readonly bucket: string;
  readonly call_id: string;
  readonly value: string;
}

export async function readJournal(ami: AmiConnection): Promise<JournalRow[]> {
  const events = await ami.list({ Action: 'DBGetTree', Family: JOURNAL });
  return events.flatMap((event) => {
    const [bucket, ...rest] = amiText(event.key).replace(`/${JOURNAL}/`, '').split('/');
    const call_id = rest.join('/');
    return bucket && call_id ? [{ bucket, call_id, value: amiText(event.val) }] : [];
  });
}

/** Erases a bucket whose calls are all in the ledger. */
export async function eraseJournal(ami: AmiConnection, bucket: string): Promise<void> {
  await ami.send({ Action: 'DBDelTree', Family: `${JOURNAL}/${bucket}` });
}
