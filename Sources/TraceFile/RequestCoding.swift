internal import TraceModel

/// The columns of a chunk of requests, by their numbers in the file.
enum RequestColumn {
  /// Signed difference of the id from one more than the last.
  static let id: UInt64 = 1
  /// Signed difference of the arrival from the last, in the chunk's unit.
  static let arrival: UInt64 = 2
  /// Tokens of the prompt.
  static let promptTokens: UInt64 = 3
  /// Tokens of the output.
  static let outputTokens: UInt64 = 4
}

/// The parameters of a chunk of requests, by their numbers in the file, and what is assumed of each.
enum RequestParameter {
  /// The decimal exponent of the unit of arrivals in nanoseconds.
  static let timeExponent: (number: UInt64, assumed: Int64) = (1, 3)
  /// The first arrival, in that unit.
  static let firstArrival: (number: UInt64, assumed: Int64) = (2, 0)
  /// The first id.
  static let firstID: (number: UInt64, assumed: Int64) = (3, 0)
}

/// Requests without their prefix blocks, as the content of one chunk.
enum RequestCoding {
  /// The content of a chunk of requests, of which there is at least one.
  static func content(of requests: [TraceRequest]) -> ChunkContent {
    var content = ChunkContent()
    var unit = CommonUnit(exponentMax: RequestParameter.timeExponent.assumed)
    for request in requests { unit.include(request.arrival.rawValue) }
    var id = requests[0].id.rawValue
    var arrival = requests[0].arrival.rawValue / unit.nanoseconds
    for (parameter, value) in [
      (RequestParameter.timeExponent, unit.exponent), (RequestParameter.firstArrival, arrival),
      (RequestParameter.firstID, id),
    ] {
      content.add(parameter: parameter.number, value, unless: parameter.assumed)
    }
    content.add(
      column: RequestColumn.id,
      signed: requests.map { request in
        defer { id = request.id.rawValue &+ 1 }
        return request.id.rawValue &- id
      })
    content.add(
      column: RequestColumn.arrival,
      signed: requests.map { request in
        let next = request.arrival.rawValue / unit.nanoseconds
        defer { arrival = next }
        return next - arrival
      })
    content.add(
      column: RequestColumn.promptTokens, requests.map { UInt64($0.promptTokens.rawValue) })
    content.add(
      column: RequestColumn.outputTokens,
      requests.map { UInt64(($0.outputLimit ?? $0.outputTokens).rawValue) })
    return content
  }

  /// Appends the requests of a chunk's content.
  static func append(
    _ bytes: [UInt8], count: Int, to requests: inout [TraceRequest]
  ) throws(Corruption) {
    let content = try ChunkContentReader(bytes, itemCount: count)
    let unit = CommonUnit.nanoseconds(
      try content.parameter(
        RequestParameter.timeExponent.number, assumed: RequestParameter.timeExponent.assumed,
        in: CommonUnit.exponents))
    var arrival = content.parameter(RequestParameter.firstArrival.number)
    var id = content.parameter(RequestParameter.firstID.number)
    let ids = try content.signed(RequestColumn.id)
    let arrivals = try content.signed(RequestColumn.arrival)
    let prompts = try content.unsigned(RequestColumn.promptTokens)
    let outputs = try content.unsigned(RequestColumn.outputTokens)
    requests.reserveCapacity(requests.count + count)
    for index in 0..<count {
      id &+= ids[index]
      arrival &+= arrivals[index]
      let time = arrival.multipliedReportingOverflow(by: unit)
      guard !time.overflow, time.partialValue.magnitude <= UInt64(TraceFileLimits.timeMax) else {
        throw Corruption("an arrival is out of range")
      }
      let tokensMax = UInt64(TraceFileLimits.tokensMax)
      guard prompts[index] <= tokensMax, outputs[index] <= tokensMax else {
        throw Corruption("a request's tokens are out of range")
      }
      requests.append(
        TraceRequest(
          id: RequestID(id), arrival: Nanoseconds(time.partialValue),
          promptTokens: TokenCount(Int32(prompts[index])),
          outputTokens: TokenCount(Int32(outputs[index]))))
      id &+= 1
    }
  }
}
