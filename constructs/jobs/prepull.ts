/**
 * Every image of the platform on every app node before it is needed, so that a
 * failover starts a container instead of waiting for a registry.
 *
 * All of them on each: what is pinned to a node today runs on the other one after
 * `dataPlane.node` was changed, which is when that node is lost.
 *
 * Periodic, though once after a deploy would do for the pull: Nomad forgets a batch
 * job that has ended after four hours, and Terraform would plan to make it again; an
 * image that nothing runs is removed after the image delay, or by hand, and a node
 * that was away comes back without it. A run that finds its image is a container
 * that ends at once.
 */
import { imageReference, IMAGE_ROLES, type ImageLock, type ImageRole } from "../../contracts/images";
import { JOBS } from "../../contracts/services";
import { Duration, Size } from "../../contracts/units";
import type { Environment } from "../../environments/schema";
import { NODE_TAILNET_ADDRESS, notOnWitness } from "../nomad/placement";
import type { JobSpec, TaskSpec } from "../nomad/spec";
import { PRIORITY, RESTART_BEFORE_NEXT_RUN } from "./policies";

/** Bounds how long a new image is on the nodes of its deploy alone. Each run leaves one ended allocation an image and node, of which a node keeps 50. */
const INTERVAL = Duration.hours(1);

/** The largest image, with the ML parts, is some 4 GB: at 20 Mbit/s a good 27 minutes. Docker keeps the layers that it has, so that another try goes on from there. */
const PULL_LIMIT = Duration.minutes(30);

export function imagesJob(env: Environment, lock: ImageLock): JobSpec {
  const [first, ...others] = distinctImages(env, lock);
  return {
    id: JOBS.images,
    region: env.nomad.region,
    datacenter: env.nomad.datacenter,
    namespace: env.nomad.namespace,
    priority: PRIORITY.images,
    rationale: `every ${INTERVAL}: how long a new image may be on one node only; ${PULL_LIMIT} for a pull: the largest image over a home line; what fails is left to the next run, and no deploy waits for it`,
    group: {
      kind: "sysbatch",
      name: "images",
      interval: INTERVAL,
      constraints: [notOnWitness()],
      ports: [],
      services: [],
      restart: RESTART_BEFORE_NEXT_RUN,
      tasks: [pull(first), ...others.map(pull)],
    },
  };
}

/** Each reference once, under the first role that has it. */
function distinctImages(env: Environment, lock: ImageLock): readonly [Pulled, ...Pulled[]] {
  const all = IMAGE_ROLES.map((role) => ({ role, image: imageReference(env.images[role], lock[role]) }));
  const [first, ...others] = all.filter(({ image }, index) => all.findIndex((other) => other.image === image) === index);
  return [first, ...others];
}

interface Pulled {
  readonly role: ImageRole;
  readonly image: string;
}

function pull({ role, image }: Pulled): TaskSpec {
  return {
    name: role.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`),
    image,
    imagePullTimeout: PULL_LIMIT,
    // Every image of the platform has a shell; none of their programs may start here.
    entrypoint: ["/bin/sh", "-c"],
    args: ["exit 0"],
    // What runc itself needs before the shell starts counts towards the limit.
    resources: { cpuMhz: 20, memory: Size.mebibytes(32) },
    killSignal: "SIGTERM",
    // It ends by itself.
    killTimeout: Duration.seconds(5),
    dnsServer: NODE_TAILNET_ADDRESS,
  };
}
