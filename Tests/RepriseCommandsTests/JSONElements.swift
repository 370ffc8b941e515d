import TraceModel

extension JSONValue {
  /// The elements of an array.
  var elements: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
}
