// What the official npm package gets from the gateway: one JSON document on standard output.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0 });
const model = "default";
const ask = (content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: "user", content }], ...more });

const told = {};
told.models = (await client.models.list()).data.map((one) => one.id);
told.whole = (await ask("say: one two")).choices[0].message.content;

told.streamed = "";
const stream = await ask("say: three four", { stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  told.streamed += chunk.choices[0]?.delta?.content ?? "";
  if (chunk.usage) told.usage = chunk.usage.completion_tokens;
}

const tools = [{ type: "function", function: { name: "look", parameters: { type: "object" } } }];
const called = await ask('call:look {"at":"tree"}', { tools, tool_choice: "required" });
told.call = called.choices[0].message.tool_calls[0].function;

const vector = await client.embeddings.create({ model: process.env.ENCODER, input: "green tree" });
told.width = vector.data[0].embedding.length;

const left = await ask("pause:0.05\nsay: " + "word ".repeat(2000), { stream: true });
for await (const _ of left) break; // leaves the stream: the engine is to stop

try {
  await ask("hi", { prompt_embeds: "AAAA" });
} catch (error) {
  told.refused = { status: error.status, code: error.code, param: error.param };
}
console.log(JSON.stringify(told));
