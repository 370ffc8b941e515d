import StepTiming
import TraceModel

/// How much of a result rests on measured kernels' times of batches that were never executed.
public struct EstimatedShare: Hashable, Sendable {
  /// How times were found, for batches of one form; each counts as often as it was asked for.
  public struct Answers: Hashable, Sendable {
    /// The form of the batches, such as `decode`.
    public var form: String
    /// Times of the very batch.
    public var executed: Int
    /// Times between two executed lengths of a growing batch.
    public var interpolated: Int
    /// Times of batches that were never executed.
    public var estimated: Int

    /// Counts for one form.
    public init(form: String, executed: Int, interpolated: Int, estimated: Int) {
      self.form = form
      self.executed = executed
      self.interpolated = interpolated
      self.estimated = estimated
    }

    var asked: Int { executed + interpolated + estimated }
  }

  /// One entry for each form of batches that was asked about.
  public var answers: [Answers]
  /// For each variant and form, how far estimates were from measured times that they were not made from.
  public var errors: [TimingDescription.HeldOutError]

  /// A share of given counts.
  public init(answers: [Answers], errors: [TimingDescription.HeldOutError]) {
    self.answers = answers
    self.errors = errors
  }

  /// All of several shares; `nil` of none.
  init?(of shares: [EstimatedShare]) {
    guard !shares.isEmpty else { return nil }
    answers = shares.flatMap(\.answers)
    errors = []
    for error in shares.flatMap(\.errors) where !errors.contains(where: { $0.part == error.part }) {
      errors.append(error)
    }
  }

  /// What a report notes.
  public var words: String {
    let estimated = answers.reduce(0) { $0 + $1.estimated }
    let asked = answers.reduce(0) { $0 + $1.asked }
    var words =
      "\(NumberText.grouped(estimated)) of \(NumberText.grouped(asked)) times are of batches that were "
      + "never executed, estimated from measured ones"
    guard !errors.isEmpty else { return words }
    words += "; on measured batches kept out of it that is off by (median, 90th percentile) "
    words += errors.map { entry in
      "\(entry.part) \(NumberText.percent(entry.error.median)), \(NumberText.percent(entry.error.p90))"
    }.joined(separator: "; ")
    return words
  }

  /// Counts and errors as one object.
  func json() -> JSONValue {
    .object([
      .init(
        "answers",
        .object(
          answers.map { entry in
            .init(
              entry.form,
              .object([
                .init("executed", .integer(Int64(entry.executed))),
                .init("interpolated", .integer(Int64(entry.interpolated))),
                .init("estimated", .integer(Int64(entry.estimated))),
              ]))
          })),
      .init("errors", .array(errors.map { $0.json() })),
    ])
  }
}

extension TimingDescription {
  /// What a report notes of them; nothing where nothing was estimated.
  public var estimateNotes: [String] { estimates.map { [$0.words] } ?? [] }

  /// The member of a result that says what was estimated; none where nothing was.
  var estimateMembers: [JSONValue.Member] {
    estimates.map { [.init("timing_estimates", $0.json())] } ?? []
  }
}
