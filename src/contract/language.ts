/** Languages that people are answered in. */
export const LANGUAGES = ['en', 'pt'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Between the two languages of a text; no keyboard types it. */
const SEPARATOR = '\u241E';

/** One text in both languages. It travels as a plain string, so that schemas can carry it as their message. */
export function say(en: string, pt: string): string {
  return `${en}${SEPARATOR}${pt}`;
}

/** The part of a text for this language; a text in one language only is given as it is. */
export function inLanguage(text: string, language: Language): string {
  const [en = text, pt = en] = text.split(SEPARATOR);
  return language === 'pt' ? pt : en;
}

/** The language that an `Accept-Language` header (RFC 9110) ranks first; English when it names neither. */
export function preferredLanguage(header: string | undefined): Language {
  const ranked = (header ?? '')
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';');
      const quality = parameters.map((p) => /^\s*q=([01](?:\.\d{1,3})?)\s*$/.exec(p)?.[1]).find(Boolean);
      return { language: tag.slice(0, 2), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  return (
    LANGUAGES.find((language) => language === ranked.find((r) => /^(en|pt)$/.test(r.language))?.language) ??
    'en'
  );
}
