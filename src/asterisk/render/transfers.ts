import { journalOfTransferred, NOW_MS } from './journal.ts';

/*
 * Transfers that a phone asks for with REFER. Whoever is transferred comes here (TRANSFER_CONTEXT of every line) and
 * dials a Local channel, whose other half dials for the line that transferred, on its account, as if its phone had
 * dialled: by the same contexts, asking the control plane anew. So the time-out of a leg that is paid for already stays
 * untouched, and every call has a caller's channel of its own, the name of which says who pays.
 */

/** Longest number that can be transferred to. */
const MAX_DIGITS = 24;

/** Digits, and what may stand in front of them, are a number: a phone hears 404 for all else, and its call goes on. */
function numbers(): string[] {
  return Array.from({ length: MAX_DIGITS }, (_, more) => [
    `exten => _[+0-9*#]${'X'.repeat(more)},1,Set(PABX_TO=\${EXTEN})`,
    ' same => n,Goto(pabx-transferring,s,1)',
  ]).flat();
}

export function renderTransfers(): string[] {
  const endpoint = `\${CUT(EXTEN,-,1)}`;
  return [
    '; Where a phone sends the other party of its call. BLINDTRANSFER is Asterisk’s own name of the channel that did.',
    '[pabx-transfer]',
    ...numbers(),
    '[pabx-transferring]',
    `exten => s,1,Set(_PABX_ROOT=\${IF($["\${PABX_ROOT}" = ""]?\${PABX_CALL}:\${PABX_ROOT})})`,
    ` same => n,ExecIf($["\${PABX_ANSWERED}" = ""]?Set(PABX_ANSWERED=$[${NOW_MS} - 0\${ANSWEREDTIME_MS}]))`,
    '; What the phone wrote into its REFER is for nobody outside.',
    ' same => n,MSet(SIPREFERREDBYHDR=,SIPREPLACESHDR=)',
    ` same => n,Dial(Local/\${CUT(CUT(BLINDTRANSFER,/,2),-,1)}-\${PABX_TO}@pabx-transferred/n)`,
    ` same => n,Hangup(\${HANGUPCAUSE})`,
    ...journalOfTransferred(),
    '; <sip user name of the line that transferred>-<number>',
    '[pabx-transferred]',
    `exten => _[a-z0-9].,1,Set(CALLERID(all)=\${PJSIP_ENDPOINT(${endpoint},callerid)})`,
    ' same => n,Set(CALLERID(pres)=allowed_not_screened)',
    ' same => n,Set(PABX_FORWARDED_FROM=)',
    ` same => n,Goto(\${PJSIP_ENDPOINT(${endpoint},context)},\${CUT(EXTEN,-,2)},1)`,
  ];
}
