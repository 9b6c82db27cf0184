import { BackendDouble } from "./backend-double";
import { DnsDouble } from "./dns-double";
import { describeWithHaproxy, LiveGateway, text, until } from "./live-gateway";

/** Calls without pause until told to stop; counts those that did not get 200. */
function traffic(url: string): () => Promise<{ sent: number; failed: number }> {
  const count = { sent: 0, failed: 0 };
  let on = true;
  const run = async (method: string) => {
    while (on) {
      count.sent++;
      const status = await fetch(url, { method, headers: { connection: "close" } }).then(async (r) => (await r.text(), r.status), () => 0);
      if (status !== 200) count.failed++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const runs = ["GET", "POST"].map(run);
  return async () => {
    on = false;
    await Promise.all(runs);
    return count;
  };
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

  test("an allocation that leaves Consul gets no more calls within two seconds, and its replacement does; nothing fails", async () => {
    const gateway = await LiveGateway.start({ dnsPort: dns.port });
    await gateway.serves();
    const stop = traffic(`${gateway.api}/answer`);
    const replacement = await BackendDouble.start();
    const [leaving, staying] = backends;
    dns.services.set("_gvfx-api-alloc", [staying.port, replacement.port]);
    await until(() => replacement.received.length > 0, "the replacement is used");
    let before = -1;
    await until(async () => {
      const same = leaving.received.length === before;
      before = leaving.received.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return same;
    }, "the one that left gets nothing");
    // The shutdown delay is over: it stops for good.
    await leaving.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { sent, failed } = await stop();
    expect(failed).toBe(0);
    expect(sent).toBeGreaterThan(50);
    await gateway.stop();
    await replacement.stop();
    backends = [staying];
  });

  test("Consul falls silent: no call fails; with HAProxy's way of forgetting they would", async () => {
    // Gives up on a question sooner, so that the silence is several questions long.
    const soon = ["timeout retry 1s", "timeout retry 100ms"] as const;
    const [gateway, forgetful] = await Promise.all([LiveGateway.start({ dnsPort: dns.port, changes: [soon] }), LiveGateway.start({ dnsPort: dns.port, changes: [soon, ["hold timeout 24h", "hold timeout 1s"]] })]);
    await Promise.all([gateway.serves(), forgetful.serves()]);
    const stop = traffic(`${gateway.api}/answer`);
    dns.silent = true;
    await until(async () => (await fetch(`${forgetful.api}/answer`).then((r) => r.status)) === 503, "the planted defect forgets its servers");
    expect(dns.unanswered).toBeGreaterThan(10);
    const { sent, failed } = await stop();
    expect(failed).toBe(0);
    expect(sent).toBeGreaterThan(50);
    dns.silent = false;
    expect(await text(`${gateway.api}/answer`)).toMatch(/^from /);
    await Promise.all([gateway.stop(), forgetful.stop()]);
  });
});
