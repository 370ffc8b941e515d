internal import TraceModel

/// What cannot be stored, in words; `nil` where nothing is wrong.
extension TraceWriter {
  static func fault(of request: TraceRequest) -> String? {
    let id = request.id.rawValue
    let tokens = TokenCount.zero...TokenCount(TraceFileLimits.tokensMax)
    guard tokens.contains(request.promptTokens), tokens.contains(request.outputTokens) else {
      return "request \(id) has \(request.promptTokens.rawValue) prompt and"
        + " \(request.outputTokens.rawValue) output tokens; a trace holds 0 to"
        + " \(TraceFileLimits.tokensMax) of each"
    }
    if let limit = request.outputLimit, !tokens.contains(limit) {
      return "request \(id) may generate \(limit.rawValue) output tokens; a trace holds 0 to"
        + " \(TraceFileLimits.tokensMax)"
    }
    guard request.prefixBlocks.count <= TraceFileLimits.prefixBlocksMax else {
      return "request \(id) has \(request.prefixBlocks.count) prefix blocks; a trace holds at most"
        + " \(TraceFileLimits.prefixBlocksMax)"
    }
    return isStorable(request.arrival)
      ? nil : "request \(id) arrives at a time that a trace cannot hold"
  }

  static func fault(of step: borrowing TraceStep, requestCount: Int) -> String? {
    let number = step.number
    let numbers = TraceFileLimits.stepNumberMax
    guard (-numbers...numbers).contains(number) else {
      return "step \(number) has a number that a trace cannot hold"
    }
    guard max(step.rows.count, step.preempted.count, step.finished.count) <= TraceFileLimits.rowsMax
    else {
      return "step \(number) has more than \(TraceFileLimits.rowsMax) rows or requests in a list"
    }
    for row in step.rows {
      guard row.request >= 0, row.request < requestCount else {
        return
          "step \(number) has a row of request place \(row.request), which was not added before"
      }
      guard row.computed >= .zero, row.queryLength.rawValue >= 1,
        Int64(row.computed.rawValue) + Int64(row.queryLength.rawValue)
          <= Int64(TraceFileLimits.tokensMax)
      else {
        return "step \(number) has a row of \(row.computed.rawValue) computed and"
          + " \(row.queryLength.rawValue) new tokens, which cannot be"
      }
    }
    for request in [step.preempted, step.finished].joined()
    where request < 0 || request >= requestCount {
      return "step \(number) names request place \(request), which was not added before"
    }
    let times = [step.scheduleStart, step.scheduleEnd, step.output ?? .zero]
    let gpuTimes = [step.gpuTime ?? .zero, step.forwardTime ?? .zero]
    let gpuTimeMax = UInt64(TraceFileLimits.gpuTimeMax)
    return times.allSatisfy(isStorable)
      && gpuTimes.allSatisfy({ $0.rawValue.magnitude <= gpuTimeMax })
      ? nil : "step \(number) has a time that a trace cannot hold"
  }

  private static func isStorable(_ time: Nanoseconds) -> Bool {
    time.rawValue.magnitude <= UInt64(TraceFileLimits.timeMax)
  }
}
