/// A step log of a small made-up run: requests that overlap, each prompt in one step.
struct StepLogSample {
  /// Requests of the run.
  var requests = 6
  /// Output tokens of each.
  var outputTokens = 20
  /// The rule in force, by the recorder's name.
  var policy = "vllm-default"

  private static let header = """
    {"kind":"header","schema":"engine-step-log/1","engine":"vllm","engine_version":"0.24.0",\
    "gpu":"NVIDIA H200","sm_count":132,"machine":1,"model":{"name":"mistral-small-24b","layers":40,\
    "hidden_size":5120,"intermediate_size":32768,"num_query_heads":32,"num_kv_heads":8,\
    "head_size":128,"vocab_size":131072,"dtype":"bfloat16","max_model_len":32768},\
    "attention_backend":"TRITON_ATTN","selection_policy":"POLICY","kv_block_size":16,\
    "kv_cache_tokens":521744,"max_num_batched_tokens":8192,"max_num_seqs":1024,\
    "chunked_prefill":true,"prefix_caching":false,"async_scheduling":true,\
    "cuda_graph_mode":"FULL_AND_PIECEWISE","cuda_graph_capture_sizes":[1,2,4,8,16],\
    "tensor_parallel":1,"workload":"sample","time_unit":"s"}
    """

  /// The log's text.
  var text: String {
    var lines = [Self.header.replacing("POLICY", with: policy)]
    for id in 0..<requests {
      lines.append(
        #"{"kind":"request","id":\#(id),"arrival":\#(seconds(arrival(id))),"#
          + #""prompt_tokens":\#(prompt(id)),"output_tokens":\#(outputTokens)}"#)
    }
    return (lines + steps()).joined(separator: "\n") + "\n"
  }

  private func arrival(_ id: Int) -> Int { id * 70_000 }
  private func prompt(_ id: Int) -> Int { 400 + 300 * id }

  /// Microseconds as the log writes seconds.
  private func seconds(_ micros: Int) -> String {
    let digits = String(micros % 1_000_000)
    var fraction = String(repeating: "0", count: 6 - digits.count) + digits
    while fraction.count > 1, fraction.last == "0" { fraction.removeLast() }
    return "\(micros / 1_000_000).\(fraction)"
  }

  /// The mean gap between two tokens of a request, over all gaps.
  var meanITLMilliseconds: Double {
    var tokens = Array(repeating: [Int](), count: requests)
    _ = steps { id, micros in tokens[id].append(micros) }
    let gaps = tokens.flatMap { zip($0.dropFirst(), $0).map { $0 - $1 } }
    return Double(gaps.reduce(0, +)) / Double(gaps.count) / 1000
  }

  /// The lines of steps; `token` is told of each token's request and time in microseconds.
  private func steps(token: (Int, Int) -> Void = { _, _ in }) -> [String] {
    var lines: [String] = []
    var done = Array(repeating: 0, count: requests)
    var clock = 0
    var number = 0
    while done.contains(where: { $0 < outputTokens }) {
      let batch = (0..<requests).filter { arrival($0) <= clock && done[$0] < outputTokens }
      guard !batch.isEmpty else {
        clock += 1000
        continue
      }
      let rows = batch.map { id in
        done[id] == 0 ? "[\(id),0,\(prompt(id))]" : "[\(id),\(prompt(id) + done[id] - 1),1]"
      }
      let hasPrompt = batch.contains { done[$0] == 0 }
      let length = hasPrompt ? 60_000 : 14_000
      lines.append(
        #"{"kind":"step","step":\#(number),"schedule_start":\#(seconds(clock + 100)),"#
          + #""schedule_end":\#(seconds(clock + 200)),"output":\#(seconds(clock + length)),"#
          + #""gpu_ms":\#(length / 1000 - 1).5,"batch":[\#(rows.joined(separator: ","))]}"#)
      for id in batch {
        done[id] += 1
        token(id, clock + length)
      }
      clock += length
      number += 1
    }
    return lines
  }
}
