import { SIDE_HEADER } from "../../constructs/gateway/haproxy";
import { seeTraffic } from "../../scripts/cutover/world/traffic";
import { createServer, type AddressInfo, type Server } from "node:net";

/** A gateway's double: answers each request by the next of these. */
function gateway(answers: readonly (readonly [number, string | undefined] | "nothing")[]): Promise<{ readonly url: string; readonly server: Server; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      const answer = answers[asked++ % answers.length];
      if (answer === "nothing") return socket.destroy();
      const [status, side] = answer;
      socket.end(`HTTP/1.1 ${status} x\r\ncontent-length: 0\r\nconnection: close\r\n${side ? `${SIDE_HEADER}: ${side}\r\n` : ""}\r\n`);
    });
  }).listen(0, "127.0.0.1");
  return new Promise((resolve) => server.once("listening", () => resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`, server, asked: () => asked })));
}

const signal = new AbortController().signal;
const servers: Server[] = [];
async function made(...answers: Parameters<typeof gateway>[0][number][]) {
  const double = await gateway(answers);
  servers.push(double.server);
  return double;
}
afterEach(() => servers.splice(0).forEach((server) => server.close()));

test("every gateway is asked alike, and who answered is counted", async () => {
  const [one, two] = [await made([200, "nomad"]), await made([404, "nomad"])];
  expect(await seeTraffic({ urls: [one.url, two.url], requests: 20, signal })).toEqual({ requests: 20, failed: 0, bySide: { nomad: 20, legacy: 0 } });
  expect([one.asked(), two.asked()]).toEqual([10, 10]);
});

test("a gateway that has not heard of the switch shows", async () => {
  const [one, two] = [await made([200, "nomad"]), await made([200, "legacy"])];
  expect(await seeTraffic({ urls: [one.url, two.url], requests: 10, signal })).toEqual({ requests: 10, failed: 0, bySide: { nomad: 5, legacy: 5 } });
});

test("planted: errors, broken connections, nobody there, and answers that no side gave are failures", async () => {
  const double = await made([200, "nomad"], [503, "nomad"], "nothing", [200, undefined], [200, "somebody"]);
  expect(await seeTraffic({ urls: [double.url], requests: 5, signal })).toEqual({ requests: 5, failed: 4, bySide: { nomad: 1, legacy: 0 } });
  expect(await seeTraffic({ urls: ["http://127.0.0.1:1/"], requests: 3, signal })).toEqual({ requests: 3, failed: 3, bySide: { nomad: 0, legacy: 0 } });
});

test("ended in the middle it says nothing", async () => {
  await expect(seeTraffic({ urls: ["http://127.0.0.1:1/"], requests: 3, signal: AbortSignal.abort() })).rejects.toThrow();
});
