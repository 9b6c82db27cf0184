import { BackendDouble } from "./backend-double";
import { DnsDouble } from "./dns-double";
import { describeWithHaproxy, LiveGateway, text, until } from "./live-gateway";

/** Calls without pause until told to stop; counts those that were answered, and those that did not get 200. */
function traffic(url: string): { count: { sent: number; failed: number }; stop: () => Promise<void> } {
  const count = { sent: 0, failed: 0 };
  let on = true;
  const run = async (method: string) => {
    while (on) {
      const status = await fetch(url, { method, headers: { connection: "close" } }).then(async (r) => (await r.text(), r.status), () => 0);
      count.sent++;
      if (status !== 200) count.failed++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const runs = ["GET", "POST"].map(run);
  const stop = async () => {
    on = false;
    await Promise.all(runs);
  };
  return { count, stop };
}

describeWithHaproxy("discovery over Consul's DNS, in the real HAProxy", () => {
  let dns: DnsDouble;
  let backends: BackendDouble[];

  beforeEach(async () => {
    dns = await DnsDouble.start();
    backends = [await BackendDouble.start(), await BackendDouble.start()];
    dns.services.set("_gvfx-api-alloc", backends.map(({ port }) => port));
  });
  afterEach(async () => {
    await Promise.all(backends.map((b) => b.stop()));
    dns.stop();
  });

  test("an allocation that leaves Consul gets no more calls, and its replacement does; nothing fails", async () => {
    const gateway = await LiveGateway.start({ dnsPort: dns.port });
    await gateway.serves();
    const { count, stop } = traffic(`${gateway.api}/answer`);
    const replacement = await BackendDouble.start();
    const [leaving, staying] = backends;
    dns.services.set("_gvfx-api-alloc", [staying.port, replacement.port]);
    await until(() => replacement.received.length > 0, "the replacement is used");
    // It has left when thirty calls in a row went elsewhere.
    let [its, others] = [leaving.received.length, staying.received.length + replacement.received.length];
    await until(() => {
      const elsewhere = staying.received.length + replacement.received.length;
      if (leaving.received.length > its) [its, others] = [leaving.received.length, elsewhere];
      return elsewhere - others >= 30;
    }, "the one that left gets nothing");
    // The shutdown delay is over: it stops for good.
    await leaving.stop();
    const so = count.sent;
    await until(() => count.sent > so + 30, "thirty more calls");
    await stop();
    expect(leaving.received).toHaveLength(its);
    expect(count.failed).toBe(0);
    await gateway.stop();
    await replacement.stop();
    backends = [staying];
  });

  test("Consul falls silent: no call fails; with HAProxy's way of forgetting they would", async () => {
    // Gives up on a question sooner, so that the silence is several questions long.
    const soon = ["timeout retry 1s", "timeout retry 100ms"] as const;
    const [gateway, forgetful] = await Promise.all([LiveGateway.start({ dnsPort: dns.port, changes: [soon] }), LiveGateway.start({ dnsPort: dns.port, changes: [soon, ["hold timeout 24h", "hold timeout 1s"]] })]);
    await Promise.all([gateway.serves(), forgetful.serves()]);
    const { count, stop } = traffic(`${gateway.api}/answer`);
    dns.silent = true;
    await until(async () => (await fetch(`${forgetful.api}/answer`).then((r) => r.status)) === 503, "the planted defect forgets its servers");
    expect(dns.unanswered).toBeGreaterThan(10);
    await until(() => count.sent > 60, "sixty calls");
    await stop();
    expect(count.failed).toBe(0);
    dns.silent = false;
    expect(await text(`${gateway.api}/answer`)).toMatch(/^from /);
    await Promise.all([gateway.stop(), forgetful.stop()]);
  });
});
