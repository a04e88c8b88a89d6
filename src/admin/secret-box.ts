import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Names how a text was sealed, so that another way can come beside it. */
const VERSION = 'v1.';
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Keeps secrets that must be read again, which hashes cannot, out of the database's backups. */
export interface SecretBox {
  /** `context` says where the text belongs to; elsewhere it does not open. */
  seal(text: string, context: string): string;
  /** Throws when it was sealed by another secret or for another context, or was changed. */
  open(sealed: string, context: string): string;
}

/** A box whose key comes from the installation's secret and from nothing else. */
export function createSecretBox(secret: string): SecretBox {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'pabx secret box v1', KEY_BYTES));
  const options = { authTagLength: TAG_BYTES };

  function decrypt(sealed: string, context: string): string | null {
    if (!sealed.startsWith(VERSION)) return null;
    const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url');
    // Decoding overlooks stray characters; one text has one sealed form.
    if (VERSION + bytes.toString('base64url') !== sealed || bytes.length < IV_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), options);
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const body = bytes.subarray(IV_BYTES + TAG_BYTES);
    try {
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    } catch {
      return null;
    }
  }

  return {
    seal(text, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv, options);
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return VERSION + Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, context) {
      const text = decrypt(sealed, context);
      // Neither the text nor why: both would end in logs.
      if (text === null) throw new Error('a sealed text does not open');
      return text;
    },
  };
}
