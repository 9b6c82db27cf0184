/** That no `_id` is there twice, in a table or in two: a suspicion first, then proof by the ids themselves. */
import type { Member } from "./archive";
import { contents } from "./contents";
import { Fingerprint, IdTable } from "./id-table";
import { eachLine } from "./lines";
import { DocumentScanner } from "./scanner";
import { damageNamed, type Reading } from "./validate-documents";

/** More are not told apart one by one: the snapshot is broken anyway. */
const MOST_SUSPECTS = 10_000;

export class UniqueIds {
  private readonly suspects = new Set<string>();
  private unlisted = 0;

  constructor(private readonly table: IdTable = new IdTable()) {}

  add(high: number, low: number): void {
    if (this.table.add(high, low) !== "again") return;
    if (this.suspects.size < MOST_SUSPECTS) this.suspects.add(`${high}-${low}`);
    else this.unlisted++;
  }

  /**
   * Reads on for ids that had no room in the first pass, then names every id that is there twice.
   * @param members every documents.jsonl whose ids were added
   */
  async settle(reading: Reading, members: readonly Member[]): Promise<void> {
    while (this.table.nextPart()) await this.each(reading, members, ({ high, low }) => this.add(high, low));
    if (this.suspects.size === 0) return;
    const places = new Map<string, string>();
    await this.each(reading, members, ({ high, low }, id, place, member) => {
      if (!this.suspects.has(`${high}-${low}`)) return;
      const first = places.get(id());
      if (first === undefined) places.set(id(), place());
      else reading.problems.add(member.name, { place: place(), what: `the _id ${id()} is there already: ${first}`, fix: "Export again: of two documents with one _id an import keeps one, or fails" }, "twice");
    });
    if (this.unlisted > 0) reading.problems.add("", { place: "all tables", what: `about ${this.unlisted} more ids are there twice, and are not listed`, fix: "Export again" });
  }

  private async each(reading: Reading, members: readonly Member[], onId: (fingerprint: Fingerprint, id: () => string, place: () => string, member: Member) => void): Promise<void> {
    const fingerprint = new Fingerprint();
    for (const member of members) {
      const scanner = new DocumentScanner();
      await damageNamed(reading, member, () =>
        eachLine(contents(reading.archive, member, reading.signal), (window, start, end, line) => {
          if (!scanner.scan(window, start, end) || scanner.idStart === -1) return;
          const { idStart, idEnd } = scanner;
          onId(fingerprint.of(window, idStart, idEnd), () => window.toString("latin1", idStart, idEnd), () => `${member.name} line ${line}`, member);
        }),
      );
    }
  }
}
