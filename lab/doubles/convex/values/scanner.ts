/** Reads JSON text token by token, so that what it holds can be told apart to the letter: 1 is an int64, 1.0 a float. */
const STRING = /"(?:[^"\\]|\\.)*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\d.])/y;
const SPACE = /[\t\n\r ]*/y;

export class JsonScanner {
  private at = 0;
  constructor(private readonly text: string) {}

  /** Position in the text, in UTF-16 units. */
  get position(): number {
    return this.at;
  }

  private fail(expected: string): never {
    throw new Error(`JSON: expected ${expected} at character ${this.at} of ${JSON.stringify(this.text.slice(0, 200))}`);
  }

  space(): void {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  /** Takes a punctuation character when it is next. */
  take(character: string): boolean {
    this.space();
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** Whether a punctuation character is next. */
  next(character: string): boolean {
    this.space();
    return this.text[this.at] === character;
  }

  expect(character: string): void {
    if (!this.take(character)) this.fail(`"${character}"`);
  }

  private token(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) this.fail(what);
    this.at = pattern.lastIndex;
    return found[0];
  }

  string(): string {
    this.space();
    const token = this.token(STRING, "a string");
    const value = JSON.parse(token) as string;
    // Convex's strings are UTF-8, which has no half of a surrogate pair.
    if (token.includes("\\u") && /\p{Surrogate}/u.test(value)) this.fail("a whole surrogate pair in the string before");
    return value;
  }

  /** Calls back for every member of an object; the callback must consume the member's value. */
  members(member: (name: string) => void): void {
    this.expect("{");
    if (this.take("}")) return;
    do {
      const name = this.string();
      this.expect(":");
      member(name);
    } while (this.take(","));
    this.expect("}");
  }

  /** A number's text, or the value of a literal; undefined when neither is next. */
  scalar(): { number: string } | { value: string | boolean | null } | undefined {
    this.space();
    const next = this.text[this.at];
    if (next === '"') return { value: this.string() };
    if (next === "-" || (next >= "0" && next <= "9")) return { number: this.token(NUMBER, "a number") };
    for (const [word, value] of [["true", true], ["false", false], ["null", null]] as const) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return { value };
      }
    }
    return undefined;
  }

  /** Calls back for every element of a list; the callback must consume it. */
  elements(element: () => void): void {
    this.expect("[");
    if (this.take("]")) return;
    do element();
    while (this.take(","));
    this.expect("]");
  }

  /** The next value's text, as it stands. */
  raw(): string {
    this.space();
    const start = this.at;
    this.skip();
    return this.text.slice(start, this.at);
  }

  private skip(): void {
    this.space();
    const next = this.text[this.at];
    if (next === "{") this.members(() => this.skip());
    else if (next === "[") this.elements(() => this.skip());
    else if (this.scalar() === undefined) this.fail("a value");
  }

  /** Nothing but white space may follow. */
  end(): void {
    this.space();
    if (this.at !== this.text.length) this.fail("the end");
  }
}
