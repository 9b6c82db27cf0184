/** Runs scripts in the network of a container: most images have no iptables of their own. */
import { EngineError, type ContainerNetwork, type Engine } from "../engine";
import { lacksNetem } from "./network";

export interface NetworkNamespacesProps {
  readonly engine: Engine;
  /** Name of the lab's network. */
  readonly network: string;
  /** Image with iptables, ip and tc: the node's. */
  readonly toolImage: string;
}

export class NetworkNamespaces {
  constructor(private readonly props: NetworkNamespacesProps) {}

  /**
   * @param script made of the container's place in the lab's network
   * @throws EngineError when the container does not run, or the script fails
   */
  async run(container: string, script: (network: ContainerNetwork) => string): Promise<void> {
    const { engine, toolImage } = this.props;
    const text = script(await this.networkOf(container));
    try {
      await engine.text(["run", "--rm", "--pull", "never", "--network", `container:${container}`, "--cap-add", "NET_ADMIN", "--entrypoint", "sh", toolImage, "-c", text]);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (lacksNetem(error.message)) throw new EngineError("failed", "the kernel of this engine cannot delay packets (it has no sch_netem), and nothing was changed. On Linux: sudo modprobe sch_netem, where the distribution has it. Otherwise rehearse with pause or partition");
      if (/No such image|Unable to find image|image not known/i.test(error.message)) throw new EngineError("failed", `the image ${toolImage}, whose iptables and tc are used, is not in the engine; build it with: node scripts/lab/images.mjs node`);
      throw new EngineError(error.reason, `${container}: ${error.message.replace(/^docker run.*? failed: /s, "")}`);
    }
  }

  private async networkOf(container: string): Promise<ContainerNetwork> {
    const [state] = await this.props.engine.inspect([container]);
    if (!state) throw new EngineError("no-container", `there is no container ${container}: the lab is not up; start it with: npm run lab`);
    if (!state.running) throw new EngineError("no-container", `${container} does not run, so that it has no network to change; start it first, by healing it or with: docker start ${container}`);
    const network = state.networks.find(({ name }) => name === this.props.network);
    if (!network?.address) throw new EngineError("failed", `${container} is not in the network ${this.props.network}; make the lab anew with: npm run gvfx -- lab down && npm run lab`);
    return network;
  }
}
