/** One backend writes at a time: the newest, like the real one. */
import type { Database, Sql } from "./sql";

/** Another backend has taken the lease: this one must stop. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

export class Lease {
  private constructor(private readonly number: bigint, private readonly shared: string) {}

  /** Takes the lease from whoever has it; waits for that one's writes in flight. */
  static async take(db: Database): Promise<Lease> {
    const number = await db.transaction(async (sql) => {
      await sql.all("CREATE TABLE IF NOT EXISTS lease (one integer PRIMARY KEY CHECK (one = 1), number bigint NOT NULL)");
      await sql.all("INSERT INTO lease VALUES (1, 0) ON CONFLICT DO NOTHING");
      const [row] = await sql.all("UPDATE lease SET number = number + 1 RETURNING number");
      return BigInt(row.number as string | number);
    });
    // The row stays shared until the write commits, so that no newcomer gets in between. SQLite locks the whole file.
    return new Lease(number, db.dialect.json === "json" ? " FOR SHARE" : "");
  }

  /** @throws LeaseLost */
  async hold(sql: Sql): Promise<void> {
    const [row] = await sql.all(`SELECT number FROM lease${this.shared}`);
    if (BigInt(row.number as string | number) !== this.number) throw new LeaseLost(`lease ${this.number} of this backend was taken by a newer one (${String(row.number)})`);
  }
}
