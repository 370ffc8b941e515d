internal import TraceModel

/// The result of `vllm bench serve --save-result --save-detailed`: one object, a list a field, seconds.
///
/// A request's list of gaps is shorter than its tokens where one message brought several.
enum BenchFile {
  static func read(_ text: ClientLogText) throws(ClientLogError) -> ClientLog {
    let whole = try text.whole()
    let place = ClientLogPlace(source: text.source, place: "")
    guard whole["ttfts"] != nil else {
      throw place.error(
        .missingField, "no times of single requests; run vllm bench serve with --save-detailed")
    }
    let ttfts = try place.array("ttfts", of: whole)
    let gaps = try place.array("itls", of: whole)
    let outputs = try place.array("output_lens", of: whole)
    let prompts = try place.array("input_lens", of: whole)
    let starts = try optional("start_times", of: whole, at: place)
    let errors = try optional("errors", of: whole, at: place)
    for (key, values) in [
      ("itls", gaps), ("output_lens", outputs), ("input_lens", prompts),
      ("start_times", starts ?? ttfts), ("errors", errors ?? ttfts),
    ] where values.count != ttfts.count {
      throw place.error(
        .malformed,
        "'\(key)' has \(values.count) entries, 'ttfts' has \(ttfts.count); "
          + "save the result again")
    }
    var log = ClientLog(source: text.source, format: .bench, requests: [])
    log.duration = try whole["duration"].map { value throws(ClientLogError) in
      try place.time(value, "duration")
    }
    for index in ttfts.indices {
      let place = ClientLogPlace(source: text.source, place: "request \(index)")
      let tokens = try place.count(outputs[index], "output_lens")
      let hasFailed = errors.map { ($0[index].string ?? "") != "" } ?? false
      guard !hasFailed, tokens > 0 else {
        log.failed += 1
        continue
      }
      let ttft = try place.time(ttfts[index], "ttfts")
      let own = try place.lengths(gaps[index], "itls")
      log.requests.append(
        ClientRequest(
          id: Int64(index),
          sent: try starts.map { list throws(ClientLogError) in
            try place.time(list[index], "start_times", isPoint: true)
          },
          ttft: ttft, gaps: own, e2el: own.reduce(ttft, +),
          promptTokens: try place.count(prompts[index], "input_lens"), outputTokens: tokens))
    }
    return log
  }

  private static func optional(
    _ key: String, of value: JSONValue, at place: ClientLogPlace
  ) throws(ClientLogError) -> [JSONValue]? {
    value[key] == nil || value[key] == .null ? nil : try place.array(key, of: value)
  }
}
