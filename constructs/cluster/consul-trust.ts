/**
 * Gives a machine that was just made what it needs to speak to the existing
 * Consul: the gossip key and the authority. Both are files on the nodes that
 * exist already, and neither may pass through user data, a plan or the state.
 */
import { TerraformData } from "../state/terraform-data";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/schema";
import { assertPlain } from "./bundle";
import type { AppClusterNode, WitnessClusterNode } from "./node";

export interface ConsulTrustProps {
  readonly env: Environment;
  /** Nodes that hold the files; the first that answers is asked. */
  readonly from: readonly AppClusterNode[];
  readonly to: WitnessClusterNode;
  /** Id of the machine: a new one is given the files anew. */
  readonly machineId: string;
  /** The machine, joined to the tailnet. */
  readonly dependsOn: ITerraformDependable[];
}

export class ConsulTrust extends Construct {
  /** The files are there. */
  readonly delivered: ITerraformDependable;

  constructor(scope: Construct, id: string, { env, from, to, machineId, dependsOn }: ConsulTrustProps) {
    super(scope, id);
    const files = [env.consul.gossipKeyFile, ...(env.consul.address.startsWith("https:") ? [env.consul.caFile] : [])];
    assertPlain("the script that copies Consul's files", COPY);
    this.delivered = new TerraformData(this, "delivery", {
      triggersReplace: { machine: machineId, files: files.join(" ") },
      provisioners: [
        {
          type: "local-exec",
          interpreter: ["/bin/sh", "-c"],
          // The script is a variable, because Terraform prints the command before it runs it.
          command: 'eval "$SCRIPT"',
          environment: {
            SCRIPT: COPY,
            FROM: from.map(endpoint).join("\n"),
            TO: endpoint(to),
            KNOWN_HOSTS: [...from, to].map((node) => `${node.name} ${node.ssh.hostKey}`).join("\n"),
            FILES: files.join("\n"),
          },
        },
      ],
      dependsOn,
    });
  }
}

const endpoint = ({ name, ssh }: AppClusterNode | WitnessClusterNode): string => `${name} ${ssh.port} ${ssh.user}@${ssh.host}`;

/**
 * Terraform's communicator cannot copy from one machine to another without the
 * state in between, so this is the system's own ssh, with the same pinned host
 * keys. The content lives in a pipe and a shell variable of this run alone.
 */
export const COPY = String.raw`
set -eu
umask 077
command -v ssh >/dev/null 2>&1 || { echo 'ssh is missing on this machine, so Consul files cannot be copied to the new node; install an OpenSSH client and deploy again.'; exit 1; }
known=$(mktemp)
trap 'rm -f "$known"' EXIT
printf '%s\n' "$KNOWN_HOSTS" >"$known"

# As root there, with or without sudo.
as_root='if [ "$(id -u)" -eq 0 ]; then exec sh -c "$0" sh "$@"; else exec sudo -n sh -c "$0" sh "$@"; fi'
remote() { # NAME PORT LOGIN SCRIPT PATH
  ssh -o BatchMode=yes -o ConnectTimeout=15 -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$known" -o GlobalKnownHostsFile=/dev/null \
    -o HostKeyAlias="$1" -p "$2" "$3" "sh -c '$as_root' '$4' '$5'"
}

# Twenty tries, fifteen seconds apart: the first boot of a new machine takes minutes, and SSH restarts in it.
give() { # PATH CONTENT
  set -- "$1" "$2" 0 $TO
  while ! printf '%s\n' "$2" | remote "$4" "$5" "$6" 'umask 077; mkdir -p "$(dirname "$1")" && cat >"$1.new" && chmod 0640 "$1.new" && mv -f "$1.new" "$1"' "$1"; do
    if [ "$3" -ge 20 ]; then
      echo "$4 does not take $1 over SSH ($6, port $5), so its Consul agent cannot be set up. See that the machine has joined the tailnet and that your key is among vultr.sshAuthorizedKeys. Then deploy again: cdktf deploy foundation"
      exit 1
    fi
    sleep 15
    set -- "$1" "$2" $(($3 + 1)) $TO
  done
  echo "$4 has $1"
}

printf '%s\n' "$FILES" | while IFS= read -r path; do
  content=
  while read -r name port login; do
    content=$(remote "$name" "$port" "$login" 'cat "$1"' "$path" </dev/null) && [ -n "$content" ] && break
    content=
  done <<END
$FROM
END
  if [ -z "$content" ]; then
    echo "none of the nodes gives $path, which the new node needs to speak to Consul:"
    printf '%s\n' "$FROM"
    echo "See that the file is on one of them (it is the existing cluster's), and that you may log in there and use sudo without a password. Then deploy again: cdktf deploy foundation"
    exit 1
  fi
  give "$path" "$content"
done
`;
