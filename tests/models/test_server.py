"""The adapter `server` against a failing server: retries, errors, stops and secrets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from mmeval import evaluation
from mmeval.models import ModelOptions, find_model, load_model, server_pictures
from mmeval.models.conformance import check
from mmeval.models.server import Server as Model
from mmeval.models.server_pictures import Sent
from mmeval.servers import client
from mmeval.servers.gathering import gather_or_cancel
from mmeval.servers.replies import same_model
from mmeval.spec import RunSpec
from mmeval.types import Generation, Image, InputError, Ref, Request, Response, Shot
from tests.evaluating import Collected, evaluate
from tests.models.fake_server import Reply, Server, says, serving

RED, BLUE = (Image(PILImage.new("RGB", (9, 5), color), color) for color in ("red", "blue"))
KEY = "sk-secret+key/1"
pytestmark = pytest.mark.usefixtures("quick")


def opened(spec: str, **options: Any) -> Model:
    model = load_model(spec, ModelOptions(**{"context": "template", "timeout": 10.0, **options}))
    assert isinstance(model, Model)
    return model


def ask(spec: str, count: int = 1, **options: Any) -> list[Response]:
    requests = (Request(str(n), (RED, f"What is {n}?")) for n in range(count))
    return sorted(opened(spec, **options).generate(requests, Generation(4)), key=lambda response: int(response.id))


def compare(spec: str, candidates: Sequence[str], **options: Any) -> Response:
    (response,) = opened(spec, **options).loglikelihood([Request("0", (RED, "Is it?"), candidates=tuple(candidates))])
    return response


def test_demonstrations_are_turns_and_pictures_stand_in_their_places(server: Server) -> None:
    shot = Shot((RED, "What color is ", Ref(0), "?"), "red")
    request = Request("0", (BLUE, "And ", Ref(0), ", unlike ", RED, Ref(1), "?"), (shot,))
    (answer,) = opened(server.model).generate([request], Generation(4))
    first, second, third = server.asked[0]["messages"]
    assert [first["role"], second, third["role"]] == ["user", {"role": "assistant", "content": "red"}, "user"]
    assert [part["type"] for part in third["content"]] == ["image_url", "text", "image_url", "text"]
    assert first["content"][1]["text"] == "What color is Image 1?"
    assert [part.get("text") for part in third["content"]] == [None, "And Image 2, unlike ", None, "Image 3?"]
    assert (server.asked[0]["max_tokens"], server.asked[0]["temperature"]) == (4, 0)
    assert (answer.text, answer.input_tokens, answer.output_tokens, answer.finish_reason) == ("yes", 7, 2, "stop")
    assert "user: <image 9x5 png " in answer.sent and "\nassistant: red\n" in answer.sent


def test_numbered_pictures_are_announced(server: Server) -> None:
    list(opened(server.model, context="numbered").generate([Request("0", (BLUE, RED, "Same?"))], Generation(4)))
    texts = [part.get("text") for part in server.asked[0]["messages"][0]["content"]]
    assert texts == ["Image 1: ", None, "Image 2: ", None, "Same?"]


def test_a_picture_is_sent_without_loss_and_its_pixels_are_on_record(server: Server) -> None:
    noise = PILImage.effect_noise((31, 17), 90).convert("RGB")
    (answer,) = opened(server.model).generate([Request("0", (Image(noise), "?"))], Generation(4))
    uri = server.asked[0]["messages"][0]["content"][0]["image_url"]["url"]
    with PILImage.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,")))) as picture:
        assert picture.tobytes() == noise.tobytes()
    assert f"<image 31x17 png {hashlib.sha256(noise.tobytes()).hexdigest()[:16]}>" in answer.sent


def test_a_picture_of_several_questions_is_encoded_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    encode = server_pictures.encode

    def counting(image: Image) -> Sent:
        encoded.append(image.name)
        return encode(image)

    monkeypatch.setattr(server_pictures, "encode", counting)
    requests = [Request(str(n), ((RED, BLUE)[n // 10], "?")) for n in range(20)]
    assert len(list(opened(server.model).generate(requests, Generation(4)))) == 20
    assert sorted(encoded) == ["blue", "red"]


def test_a_picture_that_cannot_be_read_is_an_error_of_its_questions(server: Server, tmp_path: Path) -> None:
    broken = Image(tmp_path / "gone.png", "gone.png")
    requests = [Request("0", (broken, "?")), Request("1", (RED, "?")), Request("2", (broken, "?"))]
    by_id = {response.id: response for response in opened(server.model).generate(requests, Generation(4))}
    assert by_id["1"].text == "yes" and len(server.asked) == 1
    assert all("gone.png: cannot be read" in str(by_id[id].error) for id in "02")


def test_draws_reasoning_and_the_system_turn(server: Server) -> None:
    message = {"role": "assistant", "content": "no", "reasoning_content": "hm"}
    server.behave = lambda body, n: Reply({"choices": [{"message": message, "finish_reason": "stop"}] * 2})
    model = opened(server.model, system="Be brief.", thinking="on")
    generation = Generation(4, temperature=0.5, top_p=0.9, samples=2, thinking_tokens=100, seed=7)
    (answer,) = model.generate([Request("0", ("?",))], generation)
    body = server.asked[0]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["temperature"], body["top_p"], body["n"], body["seed"]) == (0.5, 0.9, 2, 7)
    assert (body["max_tokens"], body["chat_template_kwargs"]["enable_thinking"]) == (104, True)
    assert (answer.text, answer.reasoning, answer.samples) == ("no", "hm", ("no", "no"))


def test_model_args_are_parameters_of_every_request(server: Server) -> None:
    model_args = 'reasoning_effort=low,detail=high,mm_processor_kwargs={"max_pixels":602112,"min_pixels":3136}'
    ask(server.model, 2, model_args=model_args)
    for body in server.asked:
        assert body["reasoning_effort"] == "low" and "detail" not in body
        assert body["mm_processor_kwargs"] == {"max_pixels": 602112, "min_pixels": 3136}
        picture, _question = body["messages"][0]["content"]
        assert picture["image_url"].keys() == {"url", "detail"} and picture["image_url"]["detail"] == "high"
    ask(server.model, model_args='chat_template_kwargs={"reasoning_effort":"low"}', thinking="on")
    template = {"reasoning_effort": "low", "enable_thinking": True, "thinking": True}
    assert server.asked[-1]["chat_template_kwargs"] == template
    ask(server.model, thinking="off")
    assert server.asked[-1]["chat_template_kwargs"] == {"enable_thinking": False, "thinking": False}
    assert "detail" not in server.asked[-1]["messages"][0]["content"][0]["image_url"]


@pytest.mark.parametrize(
    ("model_args", "advice"),
    [
        ("temperature=1", "use --temperature"),
        ("max_completion_tokens=9", "use --max-new-tokens"),
        ("stream=true", "mmeval sets itself"),
        ("chat_template_kwargs=low", r'write chat_template_kwargs=\{"KEY":VALUE\}'),
        ("low", "write KEY=VALUE"),
    ],
)
def test_model_args_that_are_set_otherwise_are_refused(server: Server, model_args: str, advice: str) -> None:
    with pytest.raises(InputError, match=advice):
        opened(server.model, model_args=model_args)


def test_a_parameter_that_a_server_wants_by_its_newer_name(server: Server) -> None:
    refusal = (
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    )

    def behave(body: dict[str, Any], n: int) -> Reply:
        return Reply({"error": {"message": refusal}}, 400) if "max_tokens" in body else says("yes")

    server.behave = behave
    assert [response.text for response in ask(server.model, 3, concurrency=1)] == ["yes"] * 3
    assert [body.get("max_completion_tokens") for body in server.asked] == [None, 4, 4, 4]
    server.behave = lambda body, n: Reply({"error": {"message": refusal}}, 400)  # whatever is sent
    assert "the server refuses the request: Unsupported parameter" in str(ask(server.model)[0].error)


def test_a_default_that_a_server_refuses_is_left_out(server: Server) -> None:
    """As OpenAI's reasoning models and Anthropic's newer models do."""

    def behave(body: dict[str, Any], n: int) -> Reply:
        for name in ("top_p", "temperature"):
            if name in body:
                text = f"Unsupported parameter: '{name}' is not supported with this model."
                return Reply({"error": {"message": text}}, 400)
        return says("yes")

    server.behave = behave
    model, requests = opened(server.model), [Request(str(number), ("?",)) for number in range(3)]
    answers = list(model.generate(requests, Generation(4, temperature=1.0)))
    assert [answer.text for answer in answers] == ["yes"] * 3
    assert [name for name in ("top_p", "temperature", "seed") if name in server.asked[-1]] == ["seed"]
    (answer,) = opened(server.model).generate(requests[:1], Generation(4, temperature=0.5))
    assert "the server refuses the request: Unsupported parameter: 'temperature'" in str(answer.error)
    with pytest.raises(
        InputError, match=r"refuses temperature 0: Unsupported .*; sample with --temperature 1, perhaps"
    ):
        ask(server.model)


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("<think>Red.</think>\n yes", "yes", "Red."),
        ("<think>\n\n</think>\n\nyes", "yes", ""),  # Qwen3 that was told not to think; official readings see the start
        ("<think>It is", "", "It is"),
        (" <b>yes ", " <b>yes ", ""),
    ],
)
def test_reasoning_that_a_server_leaves_in_the_text(server: Server, content: str, text: str, reasoning: str) -> None:
    server.behave = lambda body, n: says(content)
    (answer,) = ask(server.model)
    assert (answer.text, answer.reasoning) == (text, reasoning)


@pytest.mark.parametrize("tokens", [10**40, -3, "7", None, True])
def test_an_impossible_count_of_tokens_is_ignored(server: Server, tokens: Any) -> None:
    server.behave = lambda body, n: Reply(says("yes").body | {"usage": {"prompt_tokens": tokens}})
    assert ask(server.model)[0].input_tokens in (0, 1)


def test_a_server_that_samples_fewer_answers_is_refused(server: Server) -> None:
    generation = Generation(4, temperature=0.5, samples=3)
    with pytest.raises(InputError, match=r"returns 1 of the 3 answers asked for; .* --samples 1"):
        list(opened(server.model).generate([Request("0", ("?",))], generation))


def test_requests_stay_in_flight_without_a_barrier_and_the_stream_is_read_lazily(server: Server) -> None:
    gate = threading.Event()

    def behave(body: dict[str, Any], n: int) -> Reply:
        if n == 0:
            gate.wait(10)  # one that takes long holds up no other
        time.sleep(0.01)
        return says("yes")

    server.behave = behave
    pulled = 0

    def requests() -> Iterator[Request]:
        nonlocal pulled
        for pulled in range(1, 101):
            yield Request(str(pulled), ("Yes?",))

    answers = opened(server.model, concurrency=3).generate(requests(), Generation(4))
    next(answers)
    assert pulled < 30
    for _ in range(80):
        next(answers)
    gate.set()
    assert len(list(answers)) == 19
    assert server.most == 3


def test_two_servers_share_the_work_and_one_that_dies_costs_nothing(server: Server) -> None:
    with serving(lambda body, n: says("yes") if n < 3 else Reply(status=500)) as failing:
        responses = ask(f"server:{server.url},{failing.url}#tiny", 40, concurrency=2)
    assert [response.text for response in responses] == ["yes"] * 40
    assert len(failing.asked) > 3 and len(server.asked) >= 37


@pytest.mark.parametrize(
    "bad",
    [
        Reply(status=500), Reply(b"{", 200), Reply(b"[" * 99_999, 200), Reply(["no", "object"]),
        Reply(says("yes").body, manner="half"), Reply({"error": {"message": "overloaded"}}),
    ],
    ids=["500", "json", "nested", "list", "half", "error"],
)  # fmt: skip
def test_what_is_no_reply_is_asked_again(server: Server, bad: Reply) -> None:
    server.behave = lambda body, n: bad if n < 3 else says("yes")
    assert ask(server.model)[0].text == "yes"
    assert len(server.asked) == 4


def test_a_request_without_a_reply_after_every_try_is_an_error(server: Server) -> None:
    server.behave = lambda body, n: Reply(status=500) if "What is 1?" in str(body) else says("yes")
    first, second, third = ask(server.model, 3)
    assert (first.text, third.text) == ("yes", "yes")
    assert second.error == f"no reply from {server.url}: status 500: null"
    assert len(server.asked) == 2 + 6


@pytest.mark.parametrize("manner", ["drip", "hang"])
def test_a_reply_without_end_is_not_waited_for(server: Server, manner: Any) -> None:
    server.behave = lambda body, n: Reply({}, manner=manner) if "What is 1?" in str(body) else says("yes")
    first, second = ask(server.model, 2, timeout=0.2)
    assert first.text == "yes"
    assert second.error == f"no reply from {server.url}: no whole reply within 0.2 seconds"


def test_a_busy_server_is_left_alone_for_as_long_as_it_says(server: Server) -> None:
    times: list[float] = []

    def behave(body: dict[str, Any], n: int) -> Reply:
        times.append(time.monotonic())
        return Reply(status=429, headers={"Retry-After": "0.4"}) if n < 8 else says("yes")

    server.behave = behave
    model = opened(server.model, concurrency=8)
    requests = [Request(str(n), ("?",)) for n in range(12)]
    assert {response.text for response in model.generate(requests, Generation(4))} == {"yes"}
    assert times[8] - times[0] >= 0.4
    assert 4 <= model._client.endpoints[0].limit < 8  # halved once for one burst, and rising since


def test_a_server_that_is_busy_for_too_long_stops_the_run(server: Server) -> None:
    busy = Reply({"error": {"message": "You exceeded your quota."}}, 429, {"Retry-After": "90000"})
    server.behave = lambda body, n: busy
    message = "does not reply .*: busy for longer than 600 seconds .status 429: You exceeded your quota..*repeat the"
    with pytest.raises(InputError, match=message):
        ask(server.model, 40, concurrency=2)
    assert len(server.asked) == 2


def test_a_server_that_is_busy_for_too_long_costs_nothing_beside_another(server: Server) -> None:
    server.behave = lambda body, n: Reply(status=429, headers={"Retry-After": "90000"})
    with serving() as second:
        responses = ask(f"server:{server.url},{second.url}#tiny", 20, concurrency=2)
    assert {response.text for response in responses} == {"yes"}


def test_a_server_that_is_down_stops_the_run(server: Server) -> None:
    server.behave = lambda body, n: Reply(status=502)
    message = f"the server does not reply .{server.url}: status 502.*repeat the command"
    with pytest.raises(InputError, match=message) as error:
        ask(f"server:http://user:word@{server.host}/v1#tiny", 200, concurrency=4)
    assert "word" not in str(error.value)
    assert len(server.asked) < 60


def test_too_many_pictures_or_too_long_a_prompt_is_an_error_of_its_question(server: Server) -> None:
    refusal = Reply({"error": {"message": "At most 4 image(s) may be provided in one prompt.\nno"}}, 400)
    server.behave = lambda body, n: refusal if "What is 1?" in str(body) else says("yes")
    first, second, third = ask(server.model, 3)
    assert (first.text, third.text) == ("yes", "yes")
    assert second.error == (
        "the server refuses the request: At most 4 image(s) may be provided in one prompt. no (status 400)"
    )
    assert len(server.asked) == 3


def test_a_redirection_is_not_followed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMEVAL_API_KEY", KEY)
    with serving() as target:
        location = {"Location": f"http://user:word@{target.host}/v1/chat/completions"}
        server.behave = lambda body, n: Reply(status=307, headers=location)
        with pytest.raises(InputError, match=f"redirects to {target.host} .status 307., which is not followed"):
            ask(server.model)
        server.behave = lambda body, n: Reply(status=307, headers={"Location": "http://[evil"})
        with pytest.raises(InputError, match=r"redirects to an invalid address \(status 307"):
            ask(server.model)
        server.models = Reply(status=302, headers=location)
        with pytest.raises(InputError, match="redirects"):
            ask(server.model)
        assert target.headers == []


def test_a_server_with_another_model_is_reported(server: Server) -> None:
    server.behave = lambda body, n: says("yes", model="huge")
    with pytest.raises(InputError, match="answers with the model 'huge', but 'tiny' was asked"):
        ask(server.model)
    server.behave = lambda body, n: says("yes", model="org/Tiny-2026-01-01")
    assert ask(server.model)[0].text == "yes"
    server.models = Reply({"data": [{"id": "huge"}, {"id": "small"}]})
    with pytest.raises(InputError, match="has no model 'tiny'; it has 'huge', 'small'; name one"):
        ask(server.model)


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "set the key in MMEVAL_API_KEY"), (404, "check the address, which ends in /v1")]
)
def test_what_no_request_can_pass_stops_the_run(server: Server, status: int, advice: str) -> None:
    server.behave = lambda body, n: Reply({"message": "no"}, status)
    with pytest.raises(InputError, match=f"^{server.url} refuses: no .status {status}.; {advice}"):
        ask(server.model, 9)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_may_ask_without_the_right_to_list_models(server: Server, status: int) -> None:
    server.models = Reply({"error": {"message": "Missing scopes: api.model.read"}}, status)
    assert [response.text for response in ask(server.model, 3)] == ["yes"] * 3
    server.behave = lambda body, n: Reply({"message": "no"}, status)
    with pytest.raises(InputError, match=f"refuses: no .status {status}.; set the key in MMEVAL_API_KEY"):
        ask(server.model)


def test_key_and_password_are_sent_to_the_server_and_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.behave = lambda body, n: says(f"your key is {KEY}")
    assert ask(server.model)[0].text == "your key is ***"
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"

    coded = base64.b64encode(b"user:pass word").decode()
    echo = f"you sent {coded}, user:pass word, pass%20word and {KEY}"
    server.behave = lambda body, n: Reply({"error": echo}, 400) if n % 2 else says(echo)
    display = Collected()
    spec = f"server:http://user:pass%20word@{server.host}/v1#tiny"
    run = evaluate(spec, "mme", out=tmp_path / "run", limit=4, display=display)
    assert server.headers[-1]["Authorization"] == f"Basic {coded}"
    preview = evaluation.preview(RunSpec("mme", spec, limit=4)).reads
    written = "".join(path.read_text("utf-8") for path in run.folder.iterdir() if path.is_file())
    for secret in (KEY, "pass word", "pass%20word", coded):
        assert secret not in written + preview + "".join(display.messages)
    assert "***" in written


def test_what_is_no_server_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for spec, message in {
        "server:http://u:word@h/v1": "server:http://h/v1 names no model; add it after a #",
        "server:ftp://h#m": "'ftp://h' is not an http:// or https:// address",
        "server:http://u:word@h/v1?key=word#m": "'http://h/v1' is not an http",
        "server:http://h/v1,http://h/v1/#m": "the server's address http://h/v1 is listed twice",
    }.items():
        with pytest.raises(InputError, match=message) as error:
            find_model(spec)
        assert "word" not in str(error.value)
    monkeypatch.setenv("MMEVAL_API_KEY", "two words")
    with pytest.raises(InputError, match="MMEVAL_API_KEY holds blanks"):
        load_model("server:http://127.0.0.1:9/v1#m")
    monkeypatch.delenv("MMEVAL_API_KEY")
    with pytest.raises(InputError, match="remove --beams"):
        list(load_model("server:http://127.0.0.1:9/v1#m").generate([], Generation(4, beams=2)))
    with pytest.raises(InputError, match="has no likelihoods of first tokens"):
        evaluation.plan(RunSpec("mmbench", "constant", scoring="first-token"))


def test_a_preview_needs_no_server() -> None:
    preview = evaluation.preview(RunSpec("mme", "server:http://127.0.0.1:9/v1#org/tiny", limit=4))
    assert "model: server:org-tiny from http://127.0.0.1:9/v1#org/tiny" in preview.reads
    assert "<image " in preview.prompts[0][1]


def token(text: str, value: float) -> dict[str, Any]:
    return {str(hash(text)): {"logprob": value, "rank": 1, "decoded_token": text}}


def like_vllm(body: dict[str, Any], n: int) -> Reply:
    """Score the words of a prompt: each is as likely as it is long."""
    last = body["messages"][-1]
    words = ["<s>", "<image>", "Is it?", "assistant:"]
    if last["role"] == "assistant":
        assert body["continue_final_message"] and not body["add_generation_prompt"]
        words += last["content"].split()
    assert body["prompt_logprobs"] == 0
    rows = [None, *(token(word, -float(len(word))) for word in words[1:])]
    return Reply(says("x").body | {"prompt_logprobs": rows})


def test_likelihoods_are_those_of_the_candidates_tokens_alone(server: Server) -> None:
    server.behave = like_vllm
    response = compare(server.model, ["yes", "there is", "no"])
    assert response.loglikelihoods == (-3.0, -7.0, -2.0)
    assert response.input_tokens == 4
    assert len(server.asked) == 4 and not any("chat_template_kwargs" in body for body in server.asked)
    compare(server.model, ["yes", "no"], thinking="off")
    assert [body["chat_template_kwargs"]["enable_thinking"] for body in server.asked[4:]] == [False] * 3


@pytest.mark.slow
def test_the_adapter_keeps_the_contract(server: Server) -> None:
    def behave(body: dict[str, Any], n: int) -> Reply:
        reply = like_vllm(body, n) if "prompt_logprobs" in body else says("yes")
        reply.body["usage"] = {"prompt_tokens": 7, "completion_tokens": 1}
        return reply

    server.behave = behave
    assert [finding for finding in check(load_model(server.model)) if finding.level == "FAILED"] == []


def test_requests_of_a_stream_that_is_given_up_end_before_the_client_closes(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    underway, leave = asyncio.Event(), client.Client.__aexit__

    async def post(self: client.Client, path: str, body: Any, chunks: object = None) -> tuple[dict[str, Any], float]:
        if "0" in str(body["messages"]):
            await underway.wait()
            return says("yes").body, 0.0
        try:
            underway.set()
            await asyncio.sleep(60)
        finally:
            events.append("request")
        raise AssertionError

    async def close(self: client.Client, *error: object) -> None:
        events.append("client")
        await leave(self, *error)

    monkeypatch.setattr(client.Client, "post", post)
    monkeypatch.setattr(client.Client, "__aexit__", close)
    stream = opened(server.model).generate([Request(str(n), (f"{n}?",)) for n in range(2)], Generation(1))
    assert next(stream).text == "yes"
    stream.close()  # type: ignore[attr-defined]
    assert events == ["request", "client"]


def test_a_template_that_changes_the_prompt_gives_no_likelihood(server: Server) -> None:
    def behave(body: dict[str, Any], n: int) -> Reply:
        reply = like_vllm(body, n)
        if body["messages"][-1]["role"] == "assistant":
            reply.body["prompt_logprobs"].insert(3, token("<think>", -1.0))
        return reply

    server.behave = behave
    assert "'yes' does not continue the prompt token by token" in str(compare(server.model, ["yes", "no"]).error)


def test_a_server_that_returns_no_likelihoods_is_refused(server: Server) -> None:
    with pytest.raises(InputError, match=r"no likelihoods \(prompt_logprobs\); use vLLM"):
        compare(server.model, ["yes", "no"])
    with pytest.raises(InputError, match=r"no likelihoods \(top_logprobs\); use --scoring text"):
        compare(server.model, ["A", "B"], first_token=True)
    server.behave = lambda body, n: Reply({"error": "unknown field prompt_logprobs"}, 400)
    with pytest.raises(InputError, match="unknown field prompt_logprobs"):
        compare(server.model, ["yes", "no"])


def top(**logprobs: float) -> Reply:
    alternatives = [{"token": name.replace("_", " "), "logprob": value} for name, value in logprobs.items()]
    return says("A", logprobs={"content": [{"token": "A", "logprob": -1, "top_logprobs": alternatives}]})


def test_first_tokens_are_the_letters_with_a_blank_or_without(server: Server, tmp_path: Path) -> None:
    server.behave = lambda body, n: top(A=-2.0, _B=-1.9, B=-1.9, The=-0.1, x=-8.0)
    response = compare(server.model, ["A", "B", "C"], first_token=True)
    assert response.loglikelihoods is not None
    assert response.loglikelihoods == pytest.approx((-2.0, -1.9 + 0.6931472, -8.0))
    assert response.loglikelihoods[2] < -8.0  # not among the likeliest: below them all
    server.behave = lambda body, n: top(The=-0.1)
    assert "none of A, B, C is among the 1 likeliest" in str(compare(server.model, ["A", "B", "C"], first_token=True))

    server.behave = lambda body, n: top(B=-0.5, A=-1.0)
    run = evaluate(server.model, "mmbench", out=tmp_path / "run", limit=4, scoring="first-token")
    assert run.identity["scoring"] == "first-token" and run.results.scorer == "first-token"
    assert {record.text for record in run.records} == {None}
    assert set(run.samples["answer"]) == {"B"}


@pytest.mark.slow
def test_a_run_that_was_stopped_asks_nothing_twice(server: Server, tmp_path: Path) -> None:
    class Stop(Collected):
        def progress(self, done: int, total: int) -> None:
            if done == 9:
                raise KeyboardInterrupt

    spec = RunSpec("mme", server.model, limit=28, concurrency=2)
    plan = evaluation.plan(spec, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        evaluation.ask(plan, fresh=False, keep_errors=False, display=Stop())
    first = len(server.asked)
    with serving() as moved:  # the server has moved in the meantime
        run = evaluate(moved.model, "mme", out=tmp_path / "run", limit=28)
    assert run.complete and len(run.records) == 28
    assert len(moved.asked) == 28 - 9 and first < 28
    assert not any("more than once" in line for line in run.remarks)


def test_errors_are_asked_again_and_the_cost_is_reported(server: Server, tmp_path: Path) -> None:
    server.behave = lambda body, n: Reply({"message": "no"}, 400) if n == 0 else says("yes")
    server.models = Reply({"data": [{"id": "tiny", "owned_by": "vllm"}]})
    options: dict[str, Any] = {"out": tmp_path / "run", "limit": 4, "price_in": 2.0, "price_out": 10.0}
    run = evaluate(server.model, "mme", **options)
    assert run.samples_answered == 3
    run = evaluate(server.model, "mme", **options)
    assert run.complete and len(server.asked) == 5
    assert [session.others["requests"] for session in run.sessions] == [4, 1]
    assert run.sessions[0].servers == ["vllm"]
    assert any(line.startswith("Tokens: 28 in, 8 out; 0.0001 at prices of 2 and 10") for line in run.results.remarks)


@pytest.mark.slow
def test_a_servers_version_is_in_the_session_and_a_change_is_reported(server: Server, tmp_path: Path) -> None:
    server.models = Reply({"data": [{"id": "tiny", "owned_by": "vllm"}]})
    for number, version in enumerate(("", "0.31.0", "0.32.0"), start=1):
        server.other["/version"] = Reply(
            {"version": version} if version else {"detail": "Not Found"}, 200 if version else 404
        )
        server.behave = lambda body, n: says("yes") if n % 2 else Reply({"message": "no"}, 400)
        run = evaluate(server.model, "mme", out=tmp_path / "run", limit=28)
        assert run.sessions[-1].servers == [f"vllm {version}".strip()]
        remarks = [line for line in run.results.remarks if "kinds of servers" in line]
        remark = "The answers come from 2 kinds of servers: vllm 0.31.0, vllm 0.32.0."
        assert remarks == ([remark] if number == 3 else [])


@pytest.mark.parametrize(
    ("owner", "path", "reply", "name"),
    [
        ("sglang", "/get_server_info", Reply({"version": "0.5.5", "api_key": "x"}), "sglang 0.5.5"),
        ("sglang", "/server_info", Reply({"version": "0.5.23", "api_key": "x"}), "sglang 0.5.23"),
        ("llamacpp", "/props", Reply({"build_info": "b8681"}), "llamacpp b8681"),
        ("vllm", "/version", Reply({}, 401), "vllm"),
        ("vllm", "/version", Reply({}, 307, {"Location": "http://elsewhere/"}), "vllm"),
        ("vllm", "/version", Reply({"version": 3}), "vllm"),
        ("vllm", "/version", Reply(manner="hang"), "vllm"),
        ("openai", "/version", Reply({"version": "1"}), "openai"),
    ],
)
def test_a_version_that_a_server_does_not_say_is_no_fault(
    server: Server, monkeypatch: pytest.MonkeyPatch, owner: str, path: str, reply: Reply, name: str
) -> None:
    monkeypatch.setattr(client, "GET_TIMEOUT", 0.2)
    server.models, server.other[path] = Reply({"data": [{"id": "tiny", "owned_by": owner}]}), reply
    model, started = opened(server.model), time.monotonic()
    (answer,) = model.generate([Request("0", ("Is it?",))], Generation(4))
    assert answer.text == "yes" and model.session_facts["servers"] == [name]
    assert time.monotonic() - started < 5


def test_servers_are_asked_for_their_models_once_and_together(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "GET_TIMEOUT", 0.5)
    server.models = Reply(manner="hang")
    with serving() as second:
        second.models = Reply(manner="hang")
        model = opened(f"server:{server.url},{second.url}#tiny")
        started = time.monotonic()
        for _ in range(3):
            assert [response.text for response in model.generate([Request("0", ("Is it?",))], Generation(4))] == ["yes"]
        assert time.monotonic() - started < 0.9
        server.done.set()
        second.done.set()


def test_one_refused_request_leaves_no_other_behind() -> None:
    cancelled: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append("cancelled")

    async def refuse() -> None:
        await asyncio.sleep(0.01)
        raise client.Refused("no", 400, "http://host")

    with pytest.raises(client.Refused):
        asyncio.run(gather_or_cancel([wait(), refuse(), wait()]))
    assert cancelled == ["cancelled"] * 2


@pytest.mark.parametrize(
    ("requested", "named", "same"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06", True),
        ("gpt-4", "gpt-4-0613", True),
        ("gemini-2.0-flash", "gemini-2.0-flash-001", True),
        ("claude-3-opus", "claude-3-opus-20240229", True),
        ("org/tiny", "/models/org/tiny/", True),
        ("llava", "llava:latest", True),
        ("gpt-4", "gpt-4-32k", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("Qwen2.5", "Qwen2.5-72B", False),
        ("Llama-3", "Llama-3-70B-Instruct", False),
        ("InternVL2", "InternVL2-8B", False),
    ],
)
def test_a_date_or_a_version_names_the_same_model_and_a_size_another(requested: str, named: str, same: bool) -> None:
    assert same_model(requested, named) is same
