// Package leak runs whole migrations with secrets that can be recognized in every place that a secret can be, and then looks for them everywhere: in every
// byte of histories, memos and search attributes, in logs, notices, mails, reports, printed output and databases, in clear and encoded.
package leak
