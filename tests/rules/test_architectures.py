"""The page of architectures says what its results say, and the results know every class that an entry names."""

import json

from bin import architectures


def test_the_page_is_made_from_the_results_and_no_class_is_missing() -> None:
    results = json.loads(architectures.RESULTS.read_text(encoding="utf-8"))
    assert architectures.PAGE.read_text(encoding="utf-8") == architectures.page(results)
    assert results["classes"] == architectures.verdicts(results["proofs"])
    assert not [row for row in results["classes"] if row["verdict"] in ("failed", "not tried")]
