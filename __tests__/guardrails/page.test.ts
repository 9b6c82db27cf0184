import { existsSync } from "node:fs";
import { join } from "node:path";
import { guardrailsPage } from "../../scripts/docs/guardrails";

const root = join(__dirname, "..", "..");

test("each file that the page names is there", () => {
  const named = [...new Set(guardrailsPage().match(/[\w@.-]+(?:\/[\w@.-]+)*\.(?:ts|json|md)\b/g))];
  expect(named).toEqual(expect.arrayContaining(["constructs/guardrails/rules.ts", "constructs/guardrails/protected.ts", "__tests__/terraform/stacks.programs.test.ts"]));
  expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
});
