import { say } from '../contract/language.ts';

/** A file as text, or why it is none. `refusal` is in both languages (`say`). */
export type Decoded =
  | { readonly text: string; readonly refusal?: undefined }
  | { readonly refusal: string; readonly text?: undefined };

const EMPTY = say('the file is empty', 'o arquivo está vazio');
const NO_TEXT = say('the file is no text: send it as CSV', 'o arquivo não é texto: envie-o como CSV');
const SPREADSHEET = say(
  'the file is a spreadsheet or an archive: save it as CSV',
  'o arquivo é uma planilha ou um pacote: salve-o como CSV',
);

function decode(bytes: Uint8Array): string | null {
  const begins = (...first: number[]) => first.every((byte, at) => bytes[at] === byte);
  const as = (encoding: string) => {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      return null;
    }
  };
  if (begins(0xff, 0xfe)) return as('utf-16le');
  if (begins(0xfe, 0xff)) return as('utf-16be');
  // Whatever old spreadsheets write is hardly ever valid UTF-8, and always valid Windows-1252.
  return as('utf-8') ?? as('windows-1252');
}

/**
 * UTF-8 with or without its mark, UTF-16 with it, and otherwise Windows-1252, of which Latin-1 is a part. Line ends
 * become `\n`.
 */
export function decodeText(bytes: Uint8Array): Decoded {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3) return { refusal: SPREADSHEET };
  const text = decode(bytes);
  if (text === null || text.includes('\0')) return { refusal: NO_TEXT };
  if (text.trim() === '') return { refusal: EMPTY };
  return { text: text.replace(/\r\n?/g, '\n') };
}
