import TestSupport
import Testing
import TraceModel

@testable import ClientLogs

@Suite("Logs of clients")
struct ClientLogFormatTests {
  static let tokens = """
    {"kind":"client","id":0,"send":0.5,"tokens":[0.1,0.11,0.13]}
    {"kind":"client","id":1,"send":1.25,"tokens":[0.2]}

    """
  static let bench = """
    {"backend": "vllm", "completed": 2,
     "input_lens": [1000, 40], "output_lens": [3, 1], "start_times": [100.5, 101.25],
     "ttfts": [0.1, 0.2], "itls": [[0.01, 0.02], []], "errors": ["", ""]}
    """
  static let aiperf = """
    {"metadata":{"session_num":7,"request_start_ns":1250000000,"benchmark_phase":"profiling",\
    "was_cancelled":false},"metrics":{"time_to_first_token":{"value":200.0,"unit":"ms"},\
    "request_latency":{"value":200.0,"unit":"ms"},"input_sequence_length":{"value":40,\
    "unit":"tokens"},"output_sequence_length":{"value":1,"unit":"tokens"},\
    "inter_chunk_latency":{"value":[],"unit":"ms"}},"error":null}
    {"metadata":{"session_num":3,"request_start_ns":500000000,"benchmark_phase":"profiling",\
    "was_cancelled":false},"metrics":{"time_to_first_token":{"value":100000,"unit":"us"},\
    "request_latency":{"value":0.13,"unit":"s"},"input_sequence_length":{"value":1000,\
    "unit":"tokens"},"output_sequence_length":{"value":3,"unit":"tokens"},\
    "inter_chunk_latency":{"value":[10.0,20.0],"unit":"ms"}},"error":null}
    {"metadata":{"session_num":0,"request_start_ns":1,"benchmark_phase":"warmup"},"metrics":{}}

    """

  /// Gaps that are each possible and not together: their sum is more than 64 bits hold.
  static let longGaps = bench.replacing(
    "[0.01, 0.02]", with: "[" + Array(repeating: "3e7", count: 400).joined(separator: ",") + "]")

  @Test(
    "the three formats say the same of the same run",
    arguments: [
      (tokens, ClientLog.Format.tokens), (bench, .bench), (aiperf, .aiperf),
    ])
  func formats(text: String, format: ClientLog.Format) throws {
    let log = try ClientLog(bytes: Array(text.utf8), source: "run")
    #expect(log.format == format)
    #expect(log.failed == 0)
    #expect(log.requests.map(\.ttft) == [Nanoseconds(100_000_000), Nanoseconds(200_000_000)])
    #expect(log.requests.map(\.e2el) == [Nanoseconds(130_000_000), Nanoseconds(200_000_000)])
    #expect(log.requests[0].gaps == [Nanoseconds(10_000_000), Nanoseconds(20_000_000)])
    #expect(log.requests[0].tpot == Nanoseconds(15_000_000))
    #expect(log.requests[1].gaps == [])
    #expect(log.requests[1].tpot == nil)
    #expect(log.requests.map(\.outputTokens) == [3, 1])
    let sent = log.requests.compactMap(\.sent)
    #expect(sent[1] - sent[0] == Nanoseconds(750_000_000))
    if format != .tokens { #expect(log.requests.map(\.promptTokens) == [1000, 40]) }
  }

  @Test("a committed log, compressed, has every token of its run")
  func committed() throws {
    let path = "traces/h200/mistral-small-24b-random-qps5.always-2d.client.jsonl.zst"
    let log = try ClientLog(bytes: RepositoryFile.bytes(path), source: path)
    #expect(log.requests.count == 150)
    #expect(log.requests.allSatisfy { $0.outputTokens == 100 && $0.gaps?.count == 99 })
  }

  @Test("a compressed log that is cut anywhere is an error, never a crash")
  func cut() throws {
    let path = "traces/h200/mistral-small-24b-random-qps1.always-2d.client.jsonl.zst"
    let bytes = try RepositoryFile.bytes(path)
    for length in stride(from: 4, to: bytes.count, by: 61) {
      let error = #expect(throws: ClientLogError.self) {
        try ClientLog(bytes: Array(bytes[..<length]), source: "cut")
      }
      #expect(error?.kind == .truncated, "\(length): \(error?.message ?? "")")
    }
  }

  @Test("a compressed log with a flipped byte is an error or another text, never a crash")
  func flipped() throws {
    let path = "traces/h200/mistral-small-24b-random-qps1.always-2d.client.jsonl.zst"
    let bytes = try RepositoryFile.bytes(path)
    for place in stride(from: 0, to: bytes.count, by: 97) {
      var changed = bytes
      changed[place] ^= 0x20
      do throws(ClientLogError) {
        _ = try ClientLog(bytes: changed, source: "flipped")
      } catch {
        #expect(!error.message.contains("\n"))
      }
    }
  }

  @Test("a frame that would fill the memory is refused")
  func bomb() {
    // One block of run-length zeros after another: 128 KiB each from four bytes.
    var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58]
    for _ in 0..<4096 { frame += [0x02, 0x00, 0x10, 0x00] }
    let error = #expect(throws: ClientLogError.self) {
      try ClientLog(bytes: frame, source: "bomb")
    }
    #expect(error?.message.contains("decompresses to more than") == true, "\(error?.message ?? "")")
  }

  @Test(
    "what cannot be read is one line that says why",
    arguments: [
      ("", ClientLogError.Kind.empty, "no request in it"),
      ("\n  \n", .empty, "no request in it"),
      ("hello\n", .malformed, "line 1"),
      (#"{"kind":"header","schema":"engine-step-log/1"}"# + "\n", .foreignFormat, "step log"),
      (#"{"id":1}"# + "\n", .foreignFormat, "not a client log"),
      (#"{"kind":"client","id":0,"tokens":[0.1]}"# + "\n", .missingField, "'send'"),
      (#"{"kind":"client","id":0,"send":0.1}"# + "\n", .missingField, "'tokens'"),
      (#"{"kind":"client","id":0,"send":0.1,"tokens":[0.2,0.1]}"# + "\n", .malformed, "back"),
      (#"{"kind":"client","id":0,"send":0.1,"tokens":["a"]}"# + "\n", .malformed, "no time"),
      (#"{"kind":"client","id":0,"send":0.1,"tokens":[]}"# + "\n", .empty, "none of its 1"),
      (
        String(repeating: #"{"kind":"client","id":0,"send":0.1,"tokens":[1]}"# + "\n", count: 2),
        .malformed, "twice"
      ),
      (#"{"kind":"client","id":0,"send":0.1,"tok"#, .truncated, "line 1"),
      (#"{"completed":3,"mean_ttft_ms":4}"#, .missingField, "--save-detailed"),
      (
        #"{"ttfts":[0.1],"itls":[],"output_lens":[1],"input_lens":[1]}"#, .malformed,
        "'itls' has 0 entries"
      ),
      (#"{"ttfts":[0.1],"itls":[[]],"output_lens":[1]}"#, .missingField, "'input_lens'"),
      (
        #"{"metadata":{"request_start_ns":1},"metrics":{"request_latency":1}}"# + "\n",
        .missingField, "'output_token_count'"
      ),
      (
        #"{"metadata":{"was_cancelled":true},"metrics":{},"error":{"code":499}}"# + "\n", .empty,
        "none of its 1"
      ),
      (
        #"{"kind":"client","id":0,"send":1e10,"tokens":[1]}"# + "\n", .malformed,
        "'send' is no time"
      ),
      (
        #"{"kind":"client","id":0,"send":1,"tokens":[1]}"# + "\n"
          + #"{"kind":"client","id":1,"send":1e8,"tokens":[1]}"# + "\n", .malformed,
        "more than a year"
      ),
      (
        #"{"kind":"client","id":0,"send":1,"tokens":[1],"prompt_tokens":-9223372036854775808}"#,
        .malformed, "'prompt_tokens' is no count"
      ),
      (longGaps, .malformed, "'itls' takes more than a year"),
      (
        aiperf.replacing("1250000000", with: "-9223372036854775808"), .malformed,
        "'request_start_ns' is no count"
      ),
      (
        aiperf.replacing("[10.0,20.0]", with: "[3e10,3e10]"), .malformed,
        "'inter_chunk_latency' takes more than a year"
      ),
    ])
  func unreadable(text: String, kind: ClientLogError.Kind, words: String) {
    let error = #expect(throws: ClientLogError.self) {
      try ClientLog(bytes: Array(text.utf8), source: "run.jsonl")
    }
    #expect(error?.kind == kind, "\(error?.message ?? "")")
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    #expect(error?.message.contains("\n") == false)
  }
}
