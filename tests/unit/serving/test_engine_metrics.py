"""What is shown of engines' own metrics, and under which labels."""

import pytest

from appliance.serving.engine_metrics import collected

TOLD = """# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="acme-secret"} 3.0
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="acme-secret"} 5.0
# TYPE vllm:lora_requests_info gauge
vllm:lora_requests_info{max_lora="2",running_lora_adapters="acme-secret",waiting_lora_adapters=""} 1.0
"""


def test_engines_are_told_apart_by_our_labels_and_none_of_theirs_names_an_adapter() -> None:
    text = collected([("m", "1", TOLD), ("m", "2", TOLD)]).decode()
    for engine in ("1", "2"):
        assert f'vllm:num_requests_running{{engine="{engine}",model="m"}} 3.0' in text
        assert f'vllm:request_success_total{{engine="{engine}",finished_reason="stop",model="m"}} 5.0' in text
    assert "acme" not in text
    assert "lora" not in text


@pytest.mark.parametrize("text", ["", "<html><body>not found</body></html>", 'vllm:x{a="b} 1', "vllm:x one"])
def test_an_engine_that_tells_no_metrics_takes_nothing_from_the_others(text: str) -> None:
    shown = collected([("m", "1", text), ("m", "2", TOLD)]).decode()
    assert 'vllm:num_requests_running{engine="2",model="m"} 3.0' in shown
    assert 'engine="1"' not in shown
