/** Prints an admin key for the instance that INSTANCE_NAME and INSTANCE_SECRET name. */
import { settingsFrom } from "../settings";
import { adminKey } from "./admin-key";

try {
  const { instanceName, instanceSecret } = settingsFrom(process.env);
  console.log(adminKey(instanceName, instanceSecret));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
