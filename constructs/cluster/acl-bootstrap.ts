/** Turns the new cluster's ACLs on with a secret that Terraform makes and never shows. */
import { Fn, type ITerraformDependable } from "cdktf";
import { secretUuid } from "../state/secret-uuid";
import { TerraformData } from "../state/terraform-data";
import { Construct } from "constructs";
import { ofGeneration } from "../../contracts/rotation";
import { Duration } from "../../contracts/units";
import { assertPlain } from "./bundle";

export interface AclBootstrapProps {
  /** Nomad's HTTP API as the operator's machine reaches it, `https://…`. */
  readonly address: string;
  readonly caCertPem: string;
  /** Of the secret: another one is given to a cluster that has ACLs already by `gvfx rotate management-token`. */
  readonly generation: number;
  /** Refuse to destroy the secret: it is the way back in when every other token is lost. */
  readonly protect: boolean;
  /** The cluster, with a leader. */
  readonly dependsOn: ITerraformDependable[];
}

/** A fresh server resets its first TLS connection and answers "no leader" for a while (measured: the second try works). */
const PATIENCE = Duration.minutes(2);

export class AclBootstrap extends Construct {
  /** Secret id of the management token. Sensitive. */
  readonly managementToken: string;
  /** ACLs are on and the token is known to work. */
  readonly done: ITerraformDependable;
  /** Terraform address of that. */
  readonly address: string;

  constructor(scope: Construct, id: string, props: AclBootstrapProps) {
    super(scope, id);
    const { uuid, hex } = secretUuid(this, ofGeneration("secret", props.generation), { preventDestroy: props.protect });
    this.managementToken = uuid;

    assertPlain("the ACL bootstrap script", BOOTSTRAP);
    const bootstrap = new TerraformData(this, "bootstrap", {
      triggersReplace: { secret: Fn.nonsensitive(Fn.sha256(hex)) },
      provisioners: [
        {
          type: "local-exec",
          interpreter: ["/bin/sh", "-c"],
          // The script is a variable, because Terraform puts the whole command before the error of one that fails.
          command: 'eval "$SCRIPT"',
          // Sensitive as a whole, so that Terraform shows nothing of the run but an error that the script words itself.
          environment: { SCRIPT: BOOTSTRAP, ADDRESS: props.address, CA_CERT: props.caCertPem, SECRET: this.managementToken, PATIENCE: `${PATIENCE.seconds}` },
        },
      ],
      dependsOn: props.dependsOn,
    });
    this.done = bootstrap;
    this.address = `${TerraformData.tfResourceType}.${bootstrap.friendlyUniqueId}`;
  }
}

/**
 * Secrets reach curl by standard input, which no other process sees, and its
 * answers go nowhere: Terraform prints the output of a run that fails.
 */
export const BOOTSTRAP = String.raw`
set -eu
umask 077
command -v curl >/dev/null 2>&1 || { echo 'curl is missing on this machine, so the ACLs of Nomad were not turned on; install curl and deploy again.'; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%s\n' "$CA_CERT" >"$work/ca.pem"

# Prints the status of an answer, and nothing when there was none. Standard input: curl's own settings.
status() { # PATH
  curl --silent --noproxy '*' --max-time 10 --cacert "$work/ca.pem" --output /dev/null --dump-header - --config - "$ADDRESS$1" 2>/dev/null |
    sed -n 's/^HTTP[^ ]* \([0-9][0-9][0-9]\).*/\1/p' | tail -n 1
}
known() { # whether the cluster knows the secret
  [ "$(printf 'header = "X-Nomad-Token: %s"\n' "$SECRET" | status /v1/acl/token/self)" = 200 ]
}
bootstrap() {
  printf 'request = "POST"\nheader = "Content-Type: application/json"\ndata = "{\\"BootstrapSecret\\":\\"%s\\"}"\n' "$SECRET" | status /v1/acl/bootstrap
}

deadline=$(($(date +%s) + PATIENCE))
pause=1
while :; do
  answer=$(bootstrap || true)
  case $answer in
    200) if known; then exit 0; fi ;;
    400)
      if known; then exit 0; fi
      echo "Nomad's ACLs were turned on before, with another secret than the one in this state, so that nothing here may configure the cluster."
      echo 'If the state was lost or restored, put the old one back. Otherwise give the cluster this secret, with somebody who holds a management token, or:'
      echo '  1. On the leader (nomad server members), as root, write the reset index that "nomad acl bootstrap" names in its error into <data_dir>/server/acl-bootstrap-reset'
      echo '  2. Deploy again: cdktf deploy foundation'
      exit 1
      ;;
  esac
  if [ "$(date +%s)" -ge "$deadline" ]; then
    if [ -z "$answer" ]; then answer='none'; fi
    echo "Nomad's ACLs were not turned on: for $PATIENCE s the last answer of $ADDRESS was $answer (none: no connection, or a certificate of another authority; 500: no leader)."
    echo 'See that this machine reaches the address (the tailnet is up, a proxy is not in the way) and that two of the three servers run: journalctl -u nomad -n 50. Then deploy again: cdktf deploy foundation'
    exit 1
  fi
  sleep "$pause"
  if [ "$pause" -lt 8 ]; then pause=$((pause * 2)); fi
done
`;
