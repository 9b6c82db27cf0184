/** A container that is a machine of the lab: an address in the network, ports on loopback, files placed before its first start. */
import { Container, type ContainerConfig } from "@cdktf/provider-docker/lib/container";
import { Volume } from "@cdktf/provider-docker/lib/volume";
import { Construct } from "constructs";
import { Duration } from "../../contracts/units";
import type { Lab } from "../../environments/schema";
import { containerName } from "./names";

/** The operator's way in; nothing is published on any other address. */
const LOOPBACK = "127.0.0.1";
/** How long a deploy waits until a machine's own check passes: three Consul servers elect a leader in a few seconds on an idle machine. */
const HEALTHY_WITHIN = Duration.minutes(2);

/** What every machine of the lab shares. */
export interface LabNetworkProps {
  readonly lab: Lab;
  /** Name of the network, as an expression that waits for it. */
  readonly network: string;
}

export interface MachineFile {
  readonly path: string;
  readonly content: string;
  /** Octal. @default "0644" */
  readonly mode?: string;
}

export interface LabMachineProps extends LabNetworkProps {
  readonly name: string;
  readonly address: string;
  /** Image with a tag, or an image id. */
  readonly image: string;
  readonly entrypoint?: string[];
  readonly command?: string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Placed before the first start. @default none */
  readonly files?: readonly MachineFile[];
  /** Volumes by the path where they are mounted; each outlives the container, and goes with the stack. @default none */
  readonly volumes?: Readonly<Record<string, string>>;
  /** Resolvers beyond the network's own. @default those of the host */
  readonly dns?: string[];
  /** Command that exits 0 when the machine serves; the deploy waits for it. @default none: a started container is enough */
  readonly healthy?: string;
  /** A machine whose address and ports it shares, and that publishes them. @default it has an address of its own */
  readonly shares?: LabMachine;
  /** What only a node needs: capabilities, cgroups. @default none */
  readonly container?: Partial<ContainerConfig>;
}

export class LabMachine extends Construct {
  readonly container: Container;

  constructor(scope: Construct, id: string, props: LabMachineProps) {
    super(scope, id);
    const { lab, name } = props;
    const volumes = Object.entries(props.volumes ?? {}).map(([path, volume]) => ({ containerPath: path, volumeName: new Volume(this, `volume-${volume}`, { name: `${containerName(name)}-${volume}` }).name }));
    const published = lab.published.filter((port) => port.machine === name);
    const env = Object.entries(props.env ?? {}).map(([key, value]) => `${key}=${value}`);
    this.container = new Container(this, "container", {
      name: containerName(name),
      image: props.image,
      ...(props.entrypoint ? { entrypoint: props.entrypoint } : {}),
      ...(props.command ? { command: props.command } : {}),
      ...(env.length ? { env } : {}),
      ...(props.shares
        ? { networkMode: `container:${props.shares.container.id}` }
        : {
            hostname: name,
            ...(props.dns ? { dns: props.dns } : {}),
            networksAdvanced: [{ name: props.network, ipv4Address: props.address }],
            ports: published.map(({ port, on }) => ({ internal: port, external: on, ip: LOOPBACK })),
          }),
      upload: (props.files ?? []).map(({ path, content, mode }) => ({ file: path, content, permissions: mode ?? "0644" })),
      // Back after a restart of the engine or of the host; not after somebody stopped it.
      restart: "unless-stopped",
      mustRun: true,
      ...(props.healthy ? { healthcheck: { test: ["CMD-SHELL", props.healthy], interval: "1s", timeout: "3s", retries: 3, startPeriod: "1m0s" }, wait: true, waitTimeout: HEALTHY_WITHIN.seconds } : {}),
      ...props.container,
      volumes: [...volumes, ...((props.container?.volumes as ContainerConfig["volumes"] & object[]) ?? [])],
    });
  }
}
