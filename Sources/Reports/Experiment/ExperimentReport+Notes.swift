import EngineSimulation

extension ExperimentReport {
  /// Everything that the reader should know, of the whole and of its points, each thing once.
  var allNotes: [String] {
    var all: [String] = []
    for note in notes + pointNotes + estimates + refusals + overloads where !all.contains(note) {
      all.append(note)
    }
    return all
  }

  /// What is noted of single replays, but for their estimates, which are told of all together.
  private var pointNotes: [String] {
    points.flatMap { point in
      point.report.notes.filter { !point.report.timing.estimateNotes.contains($0) }
    }
  }

  /// How much of all points rests on batches that were never executed.
  private var estimates: [String] {
    EstimatedShare(of: points.compactMap(\.report.timing.estimates)).map { [$0.words] } ?? []
  }

  /// Points at which the engine refused requests, of which nothing else is known.
  private var refusals: [String] {
    points.compactMap { point in
      guard let policy = point.report.policies.first, policy.requests(.tooLong) > 0 else {
        return nil
      }
      return
        "at \(place(of: point)) \(NumberText.grouped(policy.requests(.tooLong))) of "
        + "\(NumberText.grouped(policy.requests)) requests are too long for the engine and left out"
    }
  }

  /// Points at which the engine did not keep up, where TTFT says how long the trace is.
  private var overloads: [String] {
    points.compactMap { point in
      let names = point.report.policies.filter { $0.load?.isOverloaded == true }.map(\.name)
      guard !names.isEmpty else { return nil }
      return
        "OVERLOAD at \(place(of: point)): more arrives than the engine serves under "
        + names.joined(separator: ", ")
    }
  }

  private func place(of point: Point) -> String {
    "\(point.label) \(xLabel)\(point.trace.map { " of \($0)" } ?? "")"
  }
}
