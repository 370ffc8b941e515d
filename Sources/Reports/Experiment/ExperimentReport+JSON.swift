public import TraceModel

extension ExperimentReport {
  /// What `experiment.json` holds: the points with their folders, and what they are drawn beside.
  public func json() -> JSONValue {
    .object([
      .init("schema", .string("reprise-experiment/1")), .init("name", .string(name)),
      .init("kind", .string(kind.rawValue)), .init("title", .string(title)),
      .init("hardware", .string(hardware)), .init("x_label", .string(xLabel)),
      .init("y_label", .string(yLabel)), .init("notes", .array(allNotes.map { .string($0) })),
      .init("points", .array(points.map(json))), .init("published", .array(figures.map(json))),
    ])
  }

  private func json(_ point: Point) -> JSONValue {
    let trace: [JSONValue.Member] = point.trace.map { [.init("trace", .string($0))] } ?? []
    return .object(
      [
        .init("x", .object([.init(xKey, Self.number(point.x))])),
        .init("label", .string(point.label)), .init("folder", .string(point.folder)),
      ] + trace)
  }

  private func json(_ figure: Figure) -> JSONValue {
    .object([
      .init("origin", .string(figure.origin.rawValue)), .init("series", .string(figure.series)),
      .init("policies", .array(figure.policies.map { .string($0) })),
      .init("x", Self.number(figure.x)), .init("y", .number(figure.y)),
      .init("unit", .string(figure.unit)), .init("metric", .string(figure.metric)),
      .init("hardware", .string(figure.hardware)), .init("source", .string(figure.source)),
    ])
  }

  private static func number(_ value: Double) -> JSONValue {
    Int64(exactly: value).map { .integer($0) } ?? .number(value)
  }
}
