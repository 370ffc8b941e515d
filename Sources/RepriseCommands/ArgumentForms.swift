public import ArgumentParser
public import Reports
public import TraceImport

// Values of other modules that options take by their raw names.
extension BatchSource: ExpressibleByArgument {}
extension StepLogFormat: ExpressibleByArgument {}
extension WorkloadFormat: ExpressibleByArgument {}
extension RandomWorkload.Style: ExpressibleByArgument {}
