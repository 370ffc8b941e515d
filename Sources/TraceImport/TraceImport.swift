// TraceImport
