/** The lab: machines that are containers on one network of one Docker engine. */
import { z } from "zod";
import { IMAGE_ROLES, type ImageRole } from "../../contracts/images";
import { label, portNumber, tailnetAddress, withExample } from "./fields";

const image = (example: string) => withExample(z.string().regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*:[A-Za-z0-9._-]+$/, "must be an image with a tag"), example);

const sources = (example: string) => z.strictObject(Object.fromEntries(IMAGE_ROLES.map((role) => [role, image(example)])) as Record<ImageRole, ReturnType<typeof image>>);

export const labSchema = z.strictObject({
  network: z.strictObject({
    name: label("gvfx-lab"),
    /** Inside the tailnet's range, so that every rule about tailnet addresses holds; a corner of it that no tailnet is likely to use. */
    subnet: withExample(z.cidrv4().refine((text) => /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(text), "must be inside 100.64.0.0/10"), "100.127.0.0/24"),
  }),
  /** What the machines run. The first three are built from lab/. */
  images: z.strictObject({
    node: image("gvfx-lab/node:lab"),
    legacy: image("gvfx-lab/legacy:lab"),
    exchange: image("gvfx-lab/exchange:lab"),
    consul: image("hashicorp/consul:1.21.4"),
    openbao: image("openbao/openbao:2.7.2"),
    registry: image("registry:2"),
  }),
  /** What is copied to the lab's registry for each of the platform's images. */
  sources: sources("postgres:17-bookworm"),
  /** The double of the exchange, and beside it the double of what receives alerts. */
  exchange: z.strictObject({ tailnetAddress: tailnetAddress("100.127.0.51"), port: portNumber(8080), alertsPort: portNumber(8081) }),
  /** A container that stands for a user's device. */
  device: z.strictObject({ tailnetAddress: tailnetAddress("100.127.0.71") }),
  /** Where the legacy host's SSH server listens, where it shares a node's address (legacy.host.node). @default 22 */
  legacySshPort: portNumber(2222).optional(),
  /** Ports published on 127.0.0.1, and nowhere else: the operator's way in. */
  published: z.array(z.strictObject({ machine: label("server-1"), port: portNumber(4646), on: portNumber(14_646) })),
});
