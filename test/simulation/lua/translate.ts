import { type Token, tokensOf } from './tokens.ts';

/** An expression in JavaScript. MANY: it gives an array of values. TRUTH: it is true or false. */
interface Expression {
  readonly code: string;
  readonly gives: 'ONE' | 'MANY' | 'TRUTH';
}

const one = ({ code, gives }: Expression) => (gives === 'MANY' ? `${code}[0]` : code);
const truth = ({ code, gives }: Expression) => (gives === 'TRUTH' ? code : `$.t(${one({ code, gives })})`);
const spread = ({ code, gives }: Expression) => (gives === 'MANY' ? `...${code}` : code);

/** How tightly operators bind, left and right. */
const BINDS: Readonly<Record<string, readonly [number, number]>> = {
  or: [1, 1],
  and: [2, 2],
  '<': [3, 3],
  '>': [3, 3],
  '<=': [3, 3],
  '>=': [3, 3],
  '~=': [3, 3],
  '==': [3, 3],
  '..': [5, 4],
  '+': [6, 6],
  '-': [6, 6],
  '*': [7, 7],
  '/': [7, 7],
  '%': [7, 7],
  '^': [10, 9],
};
const UNARY = 8;

/**
 * Lua 5.1 as JavaScript, one pass: what scripts of Redis are written in, less goto, metatables and coroutines.
 * Functions give arrays of values. `$` in the result is what `operations` has, `G` the globals.
 */
class Translator {
  private readonly tokens: Token[];
  private at = 0;
  private names = 0;
  private scopes: Map<string, string>[] = [];
  private spare: string[][] = [];

  constructor(source: string) {
    this.tokens = tokensOf(source);
  }

  chunk(): string {
    const body = this.body([], false);
    if (this.token.kind !== 'end') throw this.fault('expected the end');
    return body;
  }

  private get token(): Token {
    return this.tokens[this.at] as Token;
  }

  private fault(what: string): SyntaxError {
    return new SyntaxError(`Lua line ${this.token.line}: ${what} at '${this.token.text}'`);
  }

  private is(text: string): boolean {
    return this.token.text === text && (this.token.kind === 'sign' || this.token.kind === 'keyword');
  }

  private accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at += 1;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw this.fault(`expected '${text}'`);
  }

  private name(): string {
    if (this.token.kind !== 'name') throw this.fault('expected a name');
    this.at += 1;
    return (this.tokens[this.at - 1] as Token).text;
  }

  private declare(name: string): string {
    const unique = `${name}$${++this.names}`;
    this.scopes.at(-1)?.set(name, unique);
    return unique;
  }

  private spareName(): string {
    const unique = `$${++this.names}`;
    this.spare.at(-1)?.push(unique);
    return unique;
  }

  /** The body of a function up to its end. */
  private body(parameters: readonly string[], varied: boolean): string {
    this.spare.push([]);
    this.scopes.push(new Map());
    const names = parameters.map((name) => this.declare(name));
    if (varied) names.push('...$va');
    const inner = this.block();
    this.scopes.pop();
    const spare = this.spare.pop() ?? [];
    return `(${names.join(', ')}) => { ${spare.length > 0 ? `let ${spare.join(', ')};` : ''}\n${inner} return []; }`;
  }

  private block(): string {
    this.scopes.push(new Map());
    const statements: string[] = [];
    while (this.token.kind !== 'end' && !['end', 'else', 'elseif', 'until'].some((word) => this.is(word))) {
      statements.push(this.statement());
    }
    this.scopes.pop();
    return statements.join('\n');
  }

  private blockToEnd(): string {
    const block = this.block();
    this.expect('end');
    return block;
  }

  private statement(): string {
    if (this.accept(';')) return '';
    if (this.accept('break')) return 'break;';
    if (this.accept('do')) return `{ ${this.blockToEnd()} }`;
    if (this.accept('if')) return this.conditional();
    if (this.accept('while')) {
      const condition = truth(this.expression());
      this.expect('do');
      return `while (${condition}) { ${this.blockToEnd()} }`;
    }
    if (this.accept('for')) return this.loop();
    if (this.accept('return')) return this.result();
    if (this.accept('function')) {
      const target = { code: this.name(), gives: 'ONE' } as const;
      return `${this.variable(target.code)} = ${this.functionBody()};`;
    }
    if (this.accept('local')) return this.local();
    return this.assignmentOrCall();
  }

  private conditional(): string {
    const condition = truth(this.expression());
    this.expect('then');
    const code = `if (${condition}) { ${this.block()} }`;
    if (this.accept('elseif')) return `${code} else { ${this.conditional()} }`;
    if (this.accept('else')) return `${code} else { ${this.blockToEnd()} }`;
    this.expect('end');
    return code;
  }

  private loop(): string {
    const names = [this.name()];
    if (this.accept('=')) return this.counting(names[0] as string);
    while (this.accept(',')) names.push(this.name());
    this.expect('in');
    const source = this.expressions().map(spread).join(', ');
    this.expect('do');
    const [step, state, control] = [this.spareName(), this.spareName(), this.spareName()];
    this.scopes.push(new Map());
    const locals = names.map((name) => this.declare(name));
    const code = this.blockToEnd();
    this.scopes.pop();
    return `[${step}, ${state}, ${control}] = [${source}];
for (;;) { let [${locals.join(', ')}] = $.f(${step})(${state}, ${control});
if (${locals[0]} === undefined) break; ${control} = ${locals[0]};
${code} }`;
  }

  private counting(name: string): string {
    const from = one(this.expression());
    this.expect(',');
    const to = one(this.expression());
    const by = this.accept(',') ? one(this.expression()) : '1';
    this.expect('do');
    const [count, last, step] = [`$${++this.names}`, `$${++this.names}`, `$${++this.names}`];
    this.scopes.push(new Map());
    const local = this.declare(name);
    const code = this.blockToEnd();
    this.scopes.pop();
    return `for (let ${count} = $.n(${from}), ${last} = $.n(${to}), ${step} = $.n(${by}); ${step} > 0 ? ${count} <= ${last} : ${count} >= ${last}; ${count} += ${step}) { let ${local} = ${count}; ${code} }`;
  }

  private result(): string {
    const ends =
      this.token.kind === 'end' || ['end', 'else', 'elseif', 'until', ';'].some((word) => this.is(word));
    const values = ends ? [] : this.expressions();
    this.accept(';');
    const [only] = values;
    if (values.length === 1 && only?.gives === 'MANY') return `return ${only.code};`;
    return `return [${values.map(spread).join(', ')}];`;
  }

  private local(): string {
    if (this.accept('function')) {
      const name = this.declare(this.name());
      return `const ${name} = ${this.functionBody()};`;
    }
    const names = [this.name()];
    while (this.accept(',')) names.push(this.name());
    const values = this.accept('=') ? this.expressions() : [];
    const [only] = values;
    if (names.length === 1 && only && values.length === 1)
      return `let ${this.declare(names[0] as string)} = ${one(only)};`;
    const declared = names.map((name) => this.declare(name)).join(', ');
    return values.length === 0
      ? `let ${declared};`
      : `let [${declared}] = [${values.map(spread).join(', ')}];`;
  }

  private assignmentOrCall(): string {
    const first = this.suffixed();
    if (first.expression.gives === 'MANY') return `${first.expression.code};`;
    const targets = [first];
    while (this.accept(',')) targets.push(this.suffixed());
    this.expect('=');
    const values = this.expressions();
    const [value] = values;
    if (targets.length === 1 && value && values.length === 1) return `${first.assign(one(value))};`;
    const spare = targets.map(() => this.spareName());
    const assigned = targets.map(({ assign }, index) => assign(spare[index] as string)).join('; ');
    return `[${spare.join(', ')}] = [${values.map(spread).join(', ')}]; ${assigned};`;
  }

  /** The last of them may give many values, all others give one. */
  private expressions(): Expression[] {
    const all = [this.expression()];
    while (this.accept(',')) all.push(this.expression());
    return all.map((value, index) =>
      index < all.length - 1 && value.gives === 'MANY' ? { code: one(value), gives: 'ONE' } : value,
    );
  }

  private expression(least = 0): Expression {
    let left = this.operand();
    for (;;) {
      const sign = this.token.text;
      const binds = this.token.kind === 'sign' || this.token.kind === 'keyword' ? BINDS[sign] : undefined;
      if (!binds || binds[0] <= least) return left;
      this.at += 1;
      left = this.combined(sign, left, this.expression(binds[1]));
    }
  }

  private combined(sign: string, left: Expression, right: Expression): Expression {
    const [a, b] = [one(left), one(right)];
    const number = (code: string): Expression => ({ code, gives: 'ONE' });
    const compared = (code: string): Expression => ({ code, gives: 'TRUTH' });
    switch (sign) {
      case 'and':
      case 'or': {
        if (left.gives === 'TRUTH' && right.gives === 'TRUTH')
          return compared(`(${left.code} ${sign === 'and' ? '&&' : '||'} ${right.code})`);
        const kept = this.spareName();
        return number(
          sign === 'and'
            ? `($.t(${kept} = ${a}) ? ${b} : ${kept})`
            : `($.t(${kept} = ${a}) ? ${kept} : ${b})`,
        );
      }
      case '==':
        return compared(`(${a} === ${b})`);
      case '~=':
        return compared(`(${a} !== ${b})`);
      case '<':
        return compared(`$.lt(${a}, ${b})`);
      case '>':
        return compared(`$.lt(${b}, ${a})`);
      case '<=':
        return compared(`$.le(${a}, ${b})`);
      case '>=':
        return compared(`$.le(${b}, ${a})`);
      case '..':
        return number(`$.cat(${a}, ${b})`);
      case '%':
        return number(`$.mod(${a}, ${b})`);
      default:
        return number(`($.n(${a}) ${sign === '^' ? '**' : sign} $.n(${b}))`);
    }
  }

  private operand(): Expression {
    const { kind, text } = this.token;
    if (this.accept('not')) return { code: `!${truth(this.expression(UNARY))}`, gives: 'TRUTH' };
    if (this.accept('-')) return { code: `(-$.n(${one(this.expression(UNARY))}))`, gives: 'ONE' };
    if (this.accept('#')) return { code: `$.len(${one(this.expression(UNARY))})`, gives: 'ONE' };
    if (this.accept('nil')) return { code: 'undefined', gives: 'ONE' };
    if (this.accept('true')) return { code: 'true', gives: 'TRUTH' };
    if (this.accept('false')) return { code: 'false', gives: 'TRUTH' };
    if (this.accept('...')) return { code: '$va', gives: 'MANY' };
    if (this.accept('function')) return { code: this.functionBody(), gives: 'ONE' };
    if (this.is('{')) return this.table();
    if (kind === 'number' || kind === 'text') {
      this.at += 1;
      return { code: kind === 'number' ? text : JSON.stringify(text), gives: 'ONE' };
    }
    return this.suffixed().expression;
  }

  private functionBody(): string {
    this.expect('(');
    const parameters: string[] = [];
    let varied = false;
    while (!this.is(')')) {
      varied = this.accept('...');
      if (!varied) parameters.push(this.name());
      if (!this.accept(',')) break;
    }
    this.expect(')');
    const body = this.body(parameters, varied);
    this.expect('end');
    return body;
  }

  private table(): Expression {
    this.expect('{');
    const listed: Expression[] = [];
    const named: string[] = [];
    while (!this.is('}')) {
      const next = this.tokens[this.at + 1];
      if (this.accept('[')) {
        const key = one(this.expression());
        this.expect(']');
        this.expect('=');
        named.push(`[${key}, ${one(this.expression())}]`);
      } else if (this.token.kind === 'name' && next?.kind === 'sign' && next.text === '=') {
        const key = JSON.stringify(this.name());
        this.expect('=');
        named.push(`[${key}, ${one(this.expression())}]`);
      } else listed.push(this.expression());
      if (!this.accept(',') && !this.accept(';')) break;
    }
    this.expect('}');
    const list = listed.map((value, index) => (index === listed.length - 1 ? spread(value) : one(value)));
    return { code: `$.table([${list.join(', ')}], [${named.join(', ')}])`, gives: 'ONE' };
  }

  private variable(name: string): string {
    const local = this.scopes.findLast((scope) => scope.has(name))?.get(name);
    return local ?? `G.${name}`;
  }

  /** A name or a parenthesis with what follows it: fields, indices, calls. */
  private suffixed(): { readonly expression: Expression; assign(value: string): string } {
    let expression: Expression;
    let assign = (_: string): string => {
      throw this.fault('cannot be assigned to');
    };
    if (this.accept('(')) {
      expression = { code: one(this.expression()), gives: 'ONE' };
      this.expect(')');
    } else {
      const variable = this.variable(this.name());
      expression = { code: variable, gives: 'ONE' };
      assign = (value) => `${variable} = ${value}`;
    }
    for (;;) {
      const object = one(expression);
      const key = this.key();
      if (key !== null) {
        expression = { code: `$.get(${object}, ${key})`, gives: 'ONE' };
        assign = (value) => `$.set(${object}, ${key}, ${value})`;
        continue;
      }
      if (!this.is('(')) return { expression, assign };
      this.at += 1;
      const given = this.is(')') ? [] : this.expressions();
      this.expect(')');
      expression = { code: `$.f(${object})(${given.map(spread).join(', ')})`, gives: 'MANY' };
    }
  }

  private key(): string | null {
    if (this.accept('.')) return JSON.stringify(this.name());
    if (!this.accept('[')) return null;
    const key = one(this.expression());
    this.expect(']');
    return key;
  }
}

/** JavaScript of a function that runs the script; throws SyntaxError at what is not understood. */
export const translate = (source: string): string => new Translator(source).chunk();
