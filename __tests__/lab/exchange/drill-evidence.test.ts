/** What a drill asks the exchange's double: who was connected when, and which orders came since. */
import { Exchange } from "../../../lab/doubles/exchange/app";
import { ConnectionRecord } from "../../../lab/doubles/exchange/connections";
import { parseRequest } from "../../../lab/doubles/exchange/stream";

const tick = (instance: string, at: number) => ({ kind: "tick" as const, instance, job: "gvfx-worker", at });

test("a tick is understood; half of one is not", () => {
  expect(parseRequest('{"reqType":"tick","instance":"a","job":"j","at":1.5}')).toEqual({ kind: "tick", instance: "a", job: "j", at: 1.5 });
  expect(parseRequest('{"reqType":"tick","instance":"a","at":1.5}')).toBeUndefined();
});

describe("record of connections", () => {
  test("heard counts by the client's own stamp, so that a buffer that empties after its death proves nothing", () => {
    const record = new ConnectionRecord();
    record.opened(1, 1_000);
    record.heard(1, tick("a", 1_500));
    record.heard(1, tick("a", 1_400));
    record.closed(1, 31_000);
    expect(record.since(0)).toEqual([{ instance: "a", job: "gvfx-worker", openedAt: 1_000, heardAt: 1_500, closedAt: 31_000 }]);
  });

  test("since leaves out what ended before, and keeps what is open", () => {
    const record = new ConnectionRecord();
    record.opened(1, 10);
    record.closed(1, 20);
    record.opened(2, 15);
    expect(record.since(21).map(({ openedAt }) => openedAt)).toEqual([15]);
    record.reset();
    expect(record.since(0).map(({ openedAt }) => openedAt)).toEqual([15]);
  });

  test("the oldest are given up when there are too many", () => {
    const record = new ConnectionRecord();
    for (let i = 0; i < 5_010; i++) record.opened(i, i);
    expect(record.since(0)).toHaveLength(5_000);
  });
});

test("orders since a stamp, with who sent them; a repetition counts although the first came before", async () => {
  let now = 100;
  const exchange = new Exchange(() => [], () => now);
  const place = (id: string, agent: string) => exchange.answer(new Request(`http://exchange.test/openApi/swap/v2/trade/order?symbol=BTC-USDT&quantity=1&clientOrderId=${id}&timestamp=1&signature=s`, { method: "POST", headers: { "x-bx-apikey": "k", "user-agent": agent } }), "10.0.0.1", 0);
  await place("a", "one");
  now = 200;
  await place("b", "one");
  await place("a", "two");
  const report = (await (await exchange.answer(new Request("http://exchange.test/lab/orders?since=150"), "", 0)).json()) as { orders: unknown[]; duplicates: unknown[] };
  expect(report.orders).toMatchObject([{ clientOrderId: "b", at: 200, agent: "one" }, { clientOrderId: "a", at: 200, agent: "two" }]);
  expect(report.duplicates).toMatchObject([{ clientOrderId: "a", count: 2 }]);
  expect(await (await exchange.answer(new Request("http://exchange.test/lab/connections?since=0"), "", 0)).json()).toMatchObject({ connections: [], record: [], now: 200 });
});
