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

  test("after more replacements than there are slots, every copy still has a check and gets calls", async () => {
    const gateway = await LiveGateway.start({ dnsPort: dns.port });
    await gateway.serves();
    // Until it serves, whoever asks is sent where no check has passed yet.
    const began = gateway.log.length;
    // Six slots: two copies twice, and two.
    for (let n = 0; n < 8; n++) {
      const [leaving, staying] = backends;
      const replacement = await BackendDouble.start();
      backends = [staying, replacement];
      dns.services.set("_gvfx-api-alloc", backends.map(({ port }) => port));
      await until(async () => (await text(`${gateway.api}/answer`), replacement.received.length > 0), `replacement ${n} is used`);
      await leaving.stop();
    }
    const before = backends.map(({ received }) => received.length);
    for (let n = 0; n < 20; n++) await fetch(`${gateway.api}/answer`, { method: "POST" });
    backends.forEach(({ received }, n) => expect(received.length).toBeGreaterThan(before[n]));
    expect(gateway.log.slice(began)).toMatch(/ api api_nomad\/api\d/);
    expect(gateway.log.slice(began)).not.toMatch(/ api api_unchecked\//);
    await gateway.stop();
  });

  test("when no copy passes its check, reads still reach one; what changes something is refused and reaches none", async () => {
    const gateway = await LiveGateway.start({ dnsPort: dns.port });
    await gateway.serves();
    for (const backend of backends) backend.health = 500;
    const writes = () => fetch(`${gateway.api}/answer`, { method: "POST" }).then((r) => r.status);
    await until(async () => (await writes()) === 503, "the checks are noticed to fail");
    const sent = backends.map(({ received }) => received.filter((r) => r.startsWith("POST")).length);
    expect(await text(`${gateway.api}/answer`)).toMatch(/^from /);
    expect(await writes()).toBe(503);
    expect(backends.map(({ received }) => received.filter((r) => r.startsWith("POST")).length)).toEqual(sent);
    for (const backend of backends) backend.health = 200;
    await until(async () => (await writes()) === 200, "checked copies are used again");
    await gateway.stop();
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
