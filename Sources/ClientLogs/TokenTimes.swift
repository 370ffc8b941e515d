internal import TraceModel

/// JSON lines `{"kind":"client","id":…,"send":…,"tokens":[…]}`: seconds, tokens counted from sending.
enum TokenTimes {
  static func read(_ text: ClientLogText) throws(ClientLogError) -> ClientLog {
    var log = ClientLog(source: text.source, format: .tokens, requests: [])
    var ids: Set<Int64> = []
    try text.forEachLine { (value, line) throws(ClientLogError) in
      let place = ClientLogPlace(source: text.source, place: "line \(line)")
      guard value["kind"]?.string == "client" else {
        throw place.error(.malformed, "no line of 'kind' client; is this one log?")
      }
      guard let id = try place.member("id", of: value).int else {
        throw place.error(.malformed, "'id' is no whole number; use the trace's request ids")
      }
      guard ids.insert(Int64(id)).inserted else {
        throw place.error(.malformed, "request \(id) twice; is this one run?")
      }
      if let request = try request(value, id: Int64(id), at: place) {
        log.requests.append(request)
      } else {
        log.failed += 1
      }
      return true
    }
    log.requests.sort { ($0.sent ?? .zero, $0.id) < ($1.sent ?? .zero, $1.id) }
    return log
  }

  /// Prompt tokens, where the line tells.
  private static func promptTokens(
    of value: JSONValue, at place: ClientLogPlace
  ) throws(ClientLogError) -> Int? {
    guard let told = value["prompt_tokens"], told != .null else { return nil }
    return try place.count(told, "prompt_tokens")
  }

  /// What one caller saw; `nil` where no token came.
  private static func request(
    _ value: JSONValue, id: Int64, at place: ClientLogPlace
  ) throws(ClientLogError) -> ClientRequest? {
    let sent = try place.time(place.member("send", of: value), "send", isPoint: true)
    var times: [Nanoseconds] = []
    for token in try place.array("tokens", of: value) {
      let time = try place.time(token, "tokens")
      guard time >= times.last ?? .zero else {
        throw place.error(.malformed, "'tokens' go back in time; give seconds after sending")
      }
      times.append(time)
    }
    guard let first = times.first, let last = times.last else { return nil }
    return ClientRequest(
      id: id, hasOwnID: true, sent: sent, ttft: first,
      gaps: zip(times.dropFirst(), times).map { $0 - $1 }, e2el: last,
      promptTokens: try promptTokens(of: value, at: place), outputTokens: times.count)
  }
}
