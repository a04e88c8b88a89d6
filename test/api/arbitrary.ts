import fc from 'fast-check';

/** A JSON Schema as the OpenAPI document has it. */
export interface Schema {
  readonly type?: string | string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
}

function strings(schema: Schema): fc.Arbitrary<string> {
  const { format, pattern, minLength = 0, maxLength = 40 } = schema;
  if (format === 'uuid') return fc.uuid({ version: 4 });
  if (format === 'email') return fc.constant('someone@example.com');
  if (format === 'date-time')
    return fc
      .date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (format === 'uri') return fc.constant('http://127.0.0.1:8088');
  if (pattern !== undefined && !/\\p|\(\?[=!<]/.test(pattern)) return fc.stringMatching(new RegExp(pattern));
  // Properties of Unicode and looking ahead are beyond the generator: texts are filtered instead.
  const texts = fc.oneof(
    fc.constantFrom('http://127.0.0.1:8088', 'sip.example.com', '127.0.0.1', 'Recepção'),
    fc.string({ minLength: Math.max(minLength, 1), maxLength: Math.min(maxLength, 40) }),
  );
  return pattern === undefined ? texts : texts.filter((text) => new RegExp(pattern, 'u').test(text));
}

function objects(schema: Schema): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], propertyNames, additionalProperties } = schema;
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, arbitraryOf(value)]),
  );
  if (propertyNames?.enum && typeof additionalProperties === 'object')
    return fc.dictionary(
      fc.constantFrom(...(propertyNames.enum as string[])),
      arbitraryOf(additionalProperties),
      { maxKeys: 3 },
    );
  return fc.record(model, { requiredKeys: required as never[] });
}

/** Values that a schema allows; what a schema cannot say (refinements) they may break. */
export function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, type } = schema;
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const choices =
    anyOf ?? oneOf ?? (Array.isArray(type) ? type.map((one) => ({ ...schema, type: one })) : null);
  if (choices) return fc.oneof(...choices.map(arbitraryOf));
  switch (type) {
    case 'string':
      return strings(schema);
    case 'integer':
    case 'number':
      return fc.integer({
        min: Math.max(schema.minimum ?? -1_000_000, -1_000_000_000),
        max: Math.min(schema.maximum ?? 1_000_000, 1_000_000_000),
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case 'object':
      return objects(schema);
    default:
      return fc.jsonValue() as fc.Arbitrary<unknown>;
  }
}
