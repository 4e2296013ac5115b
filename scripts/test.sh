#!/usr/bin/env bash
# Runs the tests; arguments go to jest. The very last line is `N passed, M failed`.
set -uo pipefail
cd "$(dirname "$0")/.."
results=$(mktemp)
trap 'rm -f "$results"' EXIT
npm run --silent jest -- --json --outputFile="$results" "$@"
code=$?
node -e '
  const text = require("node:fs").readFileSync(process.argv[1], "utf8")
  if (text === "") {
    console.log("0 passed, 1 failed")
    process.exit(1)
  }
  const r = JSON.parse(text)
  // Once more at the end, where a long log is read first.
  for (const file of r.testResults) {
    const failures = file.assertionResults.filter(({ status }) => status === "failed")
    const texts = failures.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]}`)
    if (file.status === "failed" && texts.length === 0) texts.push(file.message)
    for (const each of texts) console.log(`failed: ${each.slice(0, 1500)}\n`)
  }
  // A file that cannot even be loaded has no tests to count: it counts as one failed.
  const failed = r.numFailedTests + r.numRuntimeErrorTestSuites
  const skipped = r.numPendingTests + r.numTodoTests
  console.log(`${r.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`)
  process.exit(failed > 0 || r.numTotalTests === 0 ? 1 : 0)
' "$results"
summary=$?
[ "$code" -eq 0 ] && exit "$summary"
exit "$code"
