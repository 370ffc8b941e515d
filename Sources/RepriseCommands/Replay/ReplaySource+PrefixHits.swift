import EngineSimulation
import TraceFile
import TraceModel

extension ReplaySource {
  /// For each request of a trace how many tokens its engine found in the prefix cache.
  ///
  /// That is what was computed before its first row; `nil` where prefixes are named, where the engine has
  /// no such cache, where no step is recorded, and where steps are missing, which may have computed it.
  static func recordedHits(
    of requests: [TraceRequest], in reader: TraceReader, engine: EngineModel
  ) throws(TraceFileError) -> [TokenCount]? {
    guard reader.stepCount > 0, engine.prefixCaching, reader.header.prefixBlockTokens == nil,
      reader.gaps.isEmpty, (reader.header["part"]?.int ?? 1) == 1
    else { return nil }
    var hits = [TokenCount?](repeating: nil, count: requests.count)
    var steps = try reader.steps()
    var step = TraceStep()
    var isFirst = true
    while try steps.next(into: &step) {
      // What came before the first step of a recording that begins late may have computed it.
      if isFirst, step.number > 0 { return nil }
      isFirst = false
      for row in step.rows where hits.indices.contains(Int(row.request)) {
        hits[Int(row.request)] = hits[Int(row.request)] ?? row.computed
      }
    }
    return hits.map { $0 ?? .zero }
  }
}
