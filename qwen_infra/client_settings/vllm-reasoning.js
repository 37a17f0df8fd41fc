// Claude Code Router 2.x: hand on what vLLM calls `reasoning`, which the router knows as `thinking` only.
class VllmReasoning {
  constructor() {
    this.name = "vllm-reasoning";
  }

  async transformRequestIn(request) {
    return request.stream ? { ...request, stream_options: { include_usage: true } } : request;
  }

  async transformResponseOut(response) {
    const kind = response.headers.get("Content-Type") || "";
    if (kind.includes("application/json")) {
      const answer = await response.json();
      for (const choice of answer.choices || []) {
        const message = choice.message || {};
        if (message.reasoning) message.thinking = { content: message.reasoning, signature: "vllm" };
      }
      return new Response(JSON.stringify(answer), { status: response.status, headers: plain(response.headers) });
    }
    if (!response.ok || !response.body || !kind.includes("text/event-stream")) return response;
    const lines = new TransformStream(new EventLines());
    return new Response(
      response.body.pipeThrough(new TextDecoderStream()).pipeThrough(lines).pipeThrough(new TextEncoderStream()),
      { status: response.status, headers: plain(response.headers) },
    );
  }
}

// Whole lines of an event stream, with `delta.reasoning` renamed and the thinking closed before the answer begins.
class EventLines {
  constructor() {
    this.rest = "";
    this.isThinking = false;
  }

  transform(text, controller) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines) this.pass(line, controller);
  }

  flush(controller) {
    if (this.rest) this.pass(this.rest, controller);
  }

  pass(line, controller) {
    if (!line.startsWith("data: {")) {
      controller.enqueue(line + "\n");
      return;
    }
    const event = JSON.parse(line.slice(6));
    const [choice] = event.choices || [];
    const delta = (choice && choice.delta) || {};
    if (delta.reasoning) {
      this.isThinking = true;
      delta.thinking = { content: delta.reasoning };
    } else if (this.isThinking && (delta.content || delta.tool_calls || choice?.finish_reason)) {
      this.isThinking = false;
      const closing = { ...event, choices: [{ ...choice, delta: { thinking: { signature: "vllm" } }, finish_reason: null }] };
      controller.enqueue("data: " + JSON.stringify(closing) + "\n\n");
    }
    controller.enqueue("data: " + JSON.stringify(event) + "\n");
  }
}

function plain(headers) {
  const found = new Headers(headers);
  found.delete("content-length");
  found.delete("content-encoding");
  return found;
}

module.exports = VllmReasoning;
