import { assert, describe, it } from "@effect/vitest"
import { cuts, doneOf, readAll, shown, spokenOf } from "../../../../../../support/engines/ModelOutput.ts"

const toBilling = "transfer {\"to\":\"billing\"}"
const book = "book_table {\"day\":\"Friday\",\"people\":4,\"outside\":true}"

/** A format, the text, the words that are spoken, and the calls that are made. */
type Case = readonly [what: string, written: string, spoken: string, done: ReadonlyArray<string>]

const check = ([what, written, spoken, done]: Case) =>
  it(what, () => {
    const whole = readAll([written])
    assert.deepStrictEqual([spokenOf(whole).trim(), doneOf(whole)], [spoken, done])
    for (const pieces of cuts(written)) assert.strictEqual(shown(readAll(pieces)), shown(whole), JSON.stringify(pieces))
  })

describe("a tool call that a model writes as text is carried out, and not spoken:", () => {
  const json = "{\"name\": \"transfer\", \"arguments\": {\"to\": \"billing\"}}"
  const cases: ReadonlyArray<Case> = [
    ["Hermes and Qwen", `One moment.\n<tool_call>\n${json}\n</tool_call>`, "One moment.", [toBilling]],
    ["Qwen, two in a row", `<tool_call>\n${json}\n</tool_call>\n<tool_call>\n{"name": "hang_up", "arguments": {}}\n</tool_call>`, "", [toBilling, "hang_up {}"]],
    ["Qwen, with a bracket too many", `<tool_call>${json}}</tool_call>`, "", [toBilling]],
    ["Qwen, with a bracket too few", "<tool_call>{\"name\": \"transfer\", \"arguments\": {\"to\": \"billing\"}</tool_call>", "", [toBilling]],
    ["Qwen, without its end", `Yes.<tool_call>\n${json}`, "Yes.", [toBilling]],
    ["Qwen, without its end and with text after it", `<tool_call>{"name": "hang_up", "arguments": {}}\nGoodbye.`, "Goodbye.", ["hang_up {}"]],
    ["Python's quotes", "<tool_call>{'name': 'book_table', 'arguments': {'day': 'Friday', 'people': 4, 'outside': True}}</tool_call>", "", [book]],
    ["arguments as text", "<tool_call>{\"name\":\"transfer\",\"arguments\":\"{\\\"to\\\":\\\"billing\\\"}\"}</tool_call>", "", [toBilling]],
    ["Mistral", `[TOOL_CALLS][${json}]`, "", [toBilling]],
    ["Mistral, with an id", "[TOOL_CALLS] [{\"name\": \"transfer\", \"arguments\": {\"to\": \"billing\"}, \"id\": \"VvvODy9mT\"}]</s>", "", [toBilling]],
    ["Mistral since 2025", "Sure.[TOOL_CALLS]transfer[ARGS]{\"to\": \"billing\"}", "Sure.", [toBilling]],
    ["Mistral since 2025, two with ids", "[TOOL_CALLS]transfer[CALL_ID]VvvODy9mT[ARGS]{\"to\": \"billing\"}[TOOL_CALLS]hang_up[CALL_ID]VvvODy9mU[ARGS]{}", "", [toBilling, "hang_up {}"]],
    ["Gemma's tool_code", "I put you through.\n```tool_code\nprint(transfer(to=\"billing\"))\n```", "I put you through.", [toBilling]],
    ["Gemma's tool_code, alone on its line", "```tool_code\ntransfer(to='billing')\n```\nBye.", "Bye.", [toBilling]],
    ["Gemma's tool_code, without the fence", "tool_code\nprint(default_api.transfer(to=\"billing\"))\n", "", [toBilling]],
    ["Gemma's tool_code, never closed", "```tool_code\nprint(hang_up())", "", ["hang_up {}"]],
    ["a fence named tool_call", "```tool_call\n{\"name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}}\n```", "", [toBilling]],
    ["a fence of Python", "```python\nprint(book_table(day=\"Friday\", people=4, outside=True))\n```", "", [book]],
    ["a fence of Python, assigned and with a comment", "```python\n# Book it.\nresult = book_table(\"Friday\", 4, True)\n```", "", [book]],
    ["a fence of JSON", `Sure.\n\`\`\`json\n${json}\n\`\`\`\nDone.`, "Sure.\n\nDone.", [toBilling]],
    ["JSON without delimiters", json, "", [toBilling]],
    ["JSON after words", `I put you through. ${json}`, "I put you through.", [toBilling]],
    ["JSON of Llama 3", "{\"type\": \"function\", \"name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}}", "", [toBilling]],
    ["JSON of Llama 3, with a bracket too few", "{\"name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}", "", [toBilling]],
    ["JSON with the arguments first", "{\"parameters\": {\"to\": \"billing\"}, \"name\": \"transfer\"}", "", [toBilling]],
    ["JSON as OpenAI's API has it", `{"tool_calls": [{"id": "1", "type": "function", "function": {"name": "transfer", "arguments": "{\\"to\\": \\"billing\\"}"}}]}`, "", [toBilling]],
    ["JSON in an array", `[${json}, {"name": "hang_up", "arguments": {}}]`, "", [toBilling, "hang_up {}"]],
    ["JSON of Command R", "[\n    {\n        \"tool_name\": \"transfer\",\n        \"parameters\": {\"to\": \"billing\"}\n    }\n]", "", [toBilling]],
    ["JSON of LangChain", "{\"action\": \"transfer\", \"action_input\": {\"to\": \"billing\"}}", "", [toBilling]],
    ["JSON by the tool's name", "{\"transfer\": {\"to\": \"billing\"}}", "", [toBilling]],
    ["JSON with the arguments beside the name", "{\"tool\": \"transfer\", \"to\": \"billing\"}", "", [toBilling]],
    ["Llama's python_tag", "<|python_tag|>{\"name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}}<|eom_id|>", "", [toBilling]],
    ["Llama's python_tag, as code", "<|python_tag|>transfer.call(to=\"billing\")", "", [toBilling]],
    ["Llama's python_start", "<|python_start|>[transfer(to=\"billing\")]<|python_end|>", "", [toBilling]],
    ["Llama's function tag", "<function=transfer>{\"to\": \"billing\"}</function>", "", [toBilling]],
    ["Qwen 3 Coder", "<tool_call>\n<function=book_table>\n<parameter=day>\nFriday\n</parameter>\n<parameter=people>\n4\n</parameter>\n<parameter=outside>\ntrue\n</parameter>\n</function>\n</tool_call>", "", [book]],
    ["Qwen 3 Coder, without tool_call and its function's end", "<function=transfer>\n<parameter=to>\nbilling\n</parameter>\n</function>\n</tool_call>", "", [toBilling]],
    ["Python in a list", "[transfer(to=\"billing\")]", "", [toBilling]],
    ["Python in a list, two", "[book_table(day='Friday', people=4, outside=True), hang_up()]", "", [book, "hang_up {}"]],
    ["Python on a line of its own", "I put you through.\ntransfer(to=\"billing\")", "I put you through.", [toBilling]],
    ["Python after a sentence", "Goodbye! hang_up()", "Goodbye!", ["hang_up {}"]],
    ["Python in ticks", "`transfer(to=\"billing\")`", "", [toBilling]],
    ["GLM", "<tool_call>book_table\n<arg_key>day</arg_key>\n<arg_value>Friday</arg_value>\n<arg_key>people</arg_key>\n<arg_value>4</arg_value>\n<arg_key>outside</arg_key>\n<arg_value>true</arg_value>\n</tool_call>", "", [book]],
    ["GLM, on one line", "<tool_call>transfer<arg_key>to</arg_key><arg_value>billing</arg_value></tool_call>", "", [toBilling]],
    ["GLM, without arguments", "<tool_call>hang_up\n</tool_call>", "", ["hang_up {}"]],
    ["DeepSeek V3", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>transfer\n```json\n{\"to\": \"billing\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>", "", [toBilling]],
    ["DeepSeek V3.1", "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>transfer<｜tool▁sep｜>{\"to\": \"billing\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "", [toBilling]],
    ["DeepSeek V3.2", "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"transfer\">\n<｜DSML｜parameter name=\"to\" string=\"true\">billing</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>", "", [toBilling]],
    ["harmony", "<|channel|>commentary to=functions.transfer <|constrain|>json<|message|>{\"to\":\"billing\"}<|call|>", "", [toBilling]],
    ["harmony, after a thought", "<|channel|>analysis<|message|>Billing, then.<|end|><|start|>assistant<|channel|>commentary to=functions.transfer<|message|>{\"to\":\"billing\"}<|call|>", "", [toBilling]],
    ["harmony, after a preamble", "<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant to=functions.transfer<|channel|>commentary json<|message|>{\"to\":\"billing\"}<|call|>", "One moment.", [toBilling]],
    ["harmony, without its tokens", "assistantcommentary to=functions.transfer json{\"to\":\"billing\"}", "", [toBilling]],
    ["harmony, with only `to=` left of its head", "I put you through. to=functions.transfer {\"to\": \"billing\"}", "I put you through.", [toBilling]],
    ["Gemma 4", "<|tool_call>call:book_table{day:<|\"|>Friday<|\"|>,people:4,outside:true}<tool_call|>", "", [book]],
    ["FunctionGemma", "<start_function_call>call:transfer{to:<escape>billing<escape>}<end_function_call>", "", [toBilling]],
    ["Kimi", "<|tool_calls_section_begin|><|tool_call_begin|>functions.transfer:0<|tool_call_argument_begin|>{\"to\": \"billing\"}<|tool_call_end|><|tool_calls_section_end|>", "", [toBilling]],
    ["MiniMax", "<minimax:tool_call>\n<invoke name=\"transfer\">\n<parameter name=\"to\">billing</parameter>\n</invoke>\n</minimax:tool_call>", "", [toBilling]],
    ["Claude", "<function_calls>\n<invoke name=\"transfer\">\n<parameter name=\"to\">billing</parameter>\n</invoke>\n</function_calls>", "", [toBilling]],
    ["Granite and Phi", `<|tool_call|>[${json}]`, "", [toBilling]],
    ["Phi 4", `functools[${json}]`, "", [toBilling]],
    ["Nemotron", `<TOOLCALL>[${json}]</TOOLCALL>`, "", [toBilling]],
    ["Liquid", "<|tool_call_start|>[transfer(to=\"billing\")]<|tool_call_end|>", "", [toBilling]],
    ["Olmo", "<function_calls>\ntransfer(to=\"billing\")\n</function_calls>", "", [toBilling]],
    ["Cohere", "<|START_ACTION|>[\n    {\"tool_call_id\": \"0\", \"tool_name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}}\n]<|END_ACTION|>", "", [toBilling]],
    ["Apertus", "<|tools_prefix|>[{\"transfer\": {\"to\": \"billing\"}}]<|tools_suffix|>", "", [toBilling]],
    ["InternLM", "<|action_start|><|plugin|>{\"name\": \"transfer\", \"parameters\": {\"to\": \"billing\"}}<|action_end|>", "", [toBilling]],
    ["LM Studio", `[TOOL_REQUEST]${json}[END_TOOL_REQUEST]`, "", [toBilling]],
    ["Qwen, ended with the turn", `<tool_call>${json}<|im_end|>\n<|im_start|>user\nThanks.`, "", [toBilling]],
    ["an invented answer after it, and text that follows", `${json}\n<tool_response>{"ok": true}</tool_response>\nIt is done.`, "", [toBilling]],
    ["ReAct", "Action: transfer\nAction Input: {\"to\": \"billing\"}\nObservation", "Observation", [toBilling]],
    ["Qwen-Agent", "✿FUNCTION✿: transfer\n✿ARGS✿: {\"to\": \"billing\"}", "", [toBilling]],
    ["a name in another spelling", "<tool_call>{\"name\": \"functions.Book-Table\", \"arguments\": {\"day\": \"Friday\"}}</tool_call>", "", ["book_table {\"day\":\"Friday\"}"]]
  ]
  for (const one of cases) check(one)
})

describe("an unclear tool call is neither spoken nor carried out, but the text around it is spoken:", () => {
  const cases: ReadonlyArray<Case> = [
    ["no such tool", "Hm.<tool_call>{\"name\": \"fly\", \"arguments\": {}}</tool_call> I am sorry.", "Hm. I am sorry.", ["dropped"]],
    ["no such tool, without delimiters", "{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}} It is warm.", "It is warm.", ["dropped"]],
    ["no such tool, as Python", "[get_weather(city=\"Paris\")] It is warm.", "It is warm.", ["dropped"]],
    ["no such tool, in a fence", "```tool_code\nprint(get_weather(city=\"Paris\"))\n```\nIt is warm.", "It is warm.", ["dropped"]],
    ["no such tool of Mistral's", "[TOOL_CALLS]fly[ARGS]{} Well.", "Well.", ["dropped"]],
    ["no such tool of harmony's", "<|channel|>commentary to=browser.search<|message|>{\"q\":1}<|call|>", "", ["dropped"]],
    ["one of two", "<tool_call>{\"name\": \"fly\", \"arguments\": {}}</tool_call><tool_call>{\"name\": \"hang_up\"}</tool_call>", "", ["dropped", "hang_up {}"]],
    ["no JSON", "<tool_call>transfer, please</tool_call> Yes.", "Yes.", ["dropped"]],
    ["a bracket missing within", "{\"name\": \"transfer\", \"arguments\": {\"to\": \"billing\", } Yes.", "Yes.", ["dropped"]],
    ["cut within its JSON", "Yes. <tool_call>{\"name\": \"transfer\", \"arguments\": {\"to\": \"bil", "Yes.", ["dropped"]],
    ["cut within its name", "Yes. {\"name\": \"trans", "Yes.", ["dropped"]],
    ["cut within its delimiter", "Yes. <tool_ca", "Yes.", ["dropped"]],
    ["cut within a list", "Yes. [transfer(to=\"bil", "Yes.", ["dropped"]],
    ["cut within Python", "Yes. book_table(day=\"Fri", "Yes.", ["dropped"]],
    ["cut within a fence", "Yes.\n```tool_code\nprint(transfer(to=", "Yes.", ["dropped"]],
    ["cut between two arguments", "<function=book_table><parameter=day>Friday</parameter>", "", ["dropped"]],
    ["cut within harmony's head", "Yes. to=functions.tran", "Yes.", ["dropped"]],
    ["computed arguments", "```tool_code\nprint(transfer(to=department))\n```", "", ["dropped"]],
    ["code", "<|python_tag|>import os\nprint(os.getcwd())", "", ["dropped"]],
    ["an answer that the model invented", "<tool_response>{\"open\": true}</tool_response>We are open.", "We are open.", []]
  ]
  for (const one of cases) check(one)
})

describe("ordinary text is spoken as it is:", () => {
  const texts = [
    "Press [1] for billing or [2] for sales [or stay on the line].",
    "The set {1, 2, 3} has three members, and {name} is a placeholder.",
    "Your data is {\"a\": 1} and {\"name\": \"Anna\", \"age\": 30}, I think.",
    "[{\"day\": \"Friday\"}] is what I have.",
    "The function of the board is to decide. Its name and arguments are known.",
    "I can transfer you. Transfer(s) may take a moment.",
    "hang_up() is what you would write in code, my friend.",
    "Use f(x) = 2x, or [see note(1)], or list[0].",
    "It is to=5, or from=3, and commentary to follow.",
    "Our model is new. User reviews are good. The final analysis: assistants matter.",
    "If a < b and b > c, then <b>bold</b> <i>x</i>.",
    "```\nA poem.\n```",
    "```python\nx = [1, 2]\nprint(x)\n```",
    "`code` and ``more`` and tool_code somewhere.",
    "Book, transfer, press keys: all of that. Print it (twice).",
    "A [link](https://example.com), a [THING], an [INSTITUTE].",
    "What do you think? I have thoughts. <3",
    "He said \"final\" and then \"analysis\". Functools are tools.",
    "The user asked for more.",
    "Okay, the users like it.",
    "It costs <s>20</s> 10 euros.",
    "Action: we open at nine.\nActions speak.",
    "Ask the model.\nmodels are many.\nUsers too."
  ]
  for (const text of texts) {
    it(text, () => {
      assert.strictEqual(shown(readAll([text])), text.replace(/<\/?s>/g, ""))
      for (const pieces of cuts(text)) assert.strictEqual(spokenOf(readAll(pieces)), text.replace(/<\/?s>/g, ""))
    })
  }
})
