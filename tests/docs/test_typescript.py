"""TypeScript types are made of the document, and a program that uses them is checked by tsc."""

from pathlib import Path

import pytest

from docs import typescript

pytestmark = [pytest.mark.long, pytest.mark.release]

USE = """
import type { components, operations, paths } from "./similarity";

type Answer<Name extends keyof operations, Status extends keyof operations[Name]["responses"]> =
  operations[Name]["responses"][Status] extends { content: { "application/json": infer Body } }
    ? Body : never;

export function nearest(found: Answer<"search", 200>): [string, number][] {
  return found.result.map((id, place) => [id, found.dist[place] ?? 0]);
}
export function hours(estimate: components["schemas"]["Estimate"]): number | null {
  return estimate.hours;
}
export function why(refused: Answer<"upgrade_estimate", 404>): components["schemas"]["ErrorWord"] {
  return refused.message;
}
export const wanted: paths["/similarity/search"]["get"]["parameters"]["query"] =
  { id: "cat-1", num_results: 3 };

// @ts-expect-error a field that no answer has
export const wrong = (found: Answer<"search", 200>) => found.results;
// @ts-expect-error a parameter that the call does not take
export const unknown: typeof wanted = { id: "cat-1", top: 3 };
"""


def test_types_are_made_of_the_document_and_hold_a_program_to_it(tmp_path: Path) -> None:
    try:
        types = typescript.make(tmp_path)
    except typescript.NpmMissing as missing:
        pytest.skip(f"TypeScript types want npm and its registry: {missing}")
    assert "/similarity/upgrade/estimate" in types.read_text()
    (tmp_path / "use.ts").write_text(USE)
    typescript.run(tmp_path, "tsc", "--noEmit", "--strict", "use.ts")
