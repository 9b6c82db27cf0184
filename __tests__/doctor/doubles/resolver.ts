/** A DNS server that knows every name, or none. */
import { createSocket } from "node:dgram";
import type { AddressInfo } from "node:net";

export interface Resolver {
  readonly port: number;
  close(): Promise<void>;
}

/** @param code 0 to answer, 2 for SERVFAIL, 5 for REFUSED */
export async function startResolver(code: number): Promise<Resolver> {
  const socket = createSocket("udp4");
  socket.on("message", (question, from) => {
    const header = Buffer.from([question[0], question[1], 0x81, 0x80 | code, 0, 1, 0, code === 0 ? 1 : 0, 0, 0, 0, 0]);
    const answer = code === 0 ? Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]) : Buffer.alloc(0);
    socket.send(Buffer.concat([header, question.subarray(12), answer]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { port: (socket.address() as AddressInfo).port, close: () => new Promise((resolve) => socket.close(() => resolve())) };
}
