/**
 * Requests that must be refused, byte for byte as they go onto the wire, and what each is answered at each kind of place.
 *
 * Where Nginx and Node's parser differ, both answers stand here; wherever they do not, the answer is one and the same at every tier.
 */

/** "400 malformed-request", or by place: at a load balancer, at an instance, at the database instance. */
type Expected = string | { readonly balancer: string; readonly instance: string; readonly database?: string }

export interface BadRequest {
  readonly name: string
  readonly parts: readonly (string | Uint8Array)[]
  readonly expected: Expected
}

const HOST = 'Host: relais.test\r\nConnection: close\r\n'
const JSON_TYPE = 'Content-Type: application/json\r\n'

const MALFORMED = '400 malformed-request'
const INVALID_PARAMETER = '400 invalid-parameter'
const INVALID_CONTENT = '422 invalid-content'
const TOO_LARGE = '413 body-too-large'
const WRONG_TYPE = '415 unsupported-media-type'
const NO_METHOD = '405 method-not-allowed'
const NOT_FOUND = '404 not-found'
const PRECONDITION_FAILED = '412 precondition-failed'
const HEADERS_TOO_LARGE = '431 headers-too-large'
const TOO_LONG = '414 uri-too-long'
/** Only the database service itself has the path, and it wants a signature. */
const HIDDEN: Expected = { balancer: NOT_FOUND, instance: NOT_FOUND, database: '401 unauthorized' }

export const BAD_REQUESTS: readonly BadRequest[] = [
  // Bodies: not JSON.
  bad('half an object', MALFORMED, post('{"message":')),
  bad('no body', MALFORMED, post('')),
  bad('a body without a length', MALFORMED, [`POST /api/data HTTP/1.1\r\n${HOST}${JSON_TYPE}\r\n`]),
  bad('a byte order mark', MALFORMED, post('\ufeff{"message":"a"}')),
  bad('a message of invalid UTF-8', MALFORMED, post(Buffer.from('7b226d657373616765223a22ff227d', 'hex'))),
  bad('a message of encoded surrogates', MALFORMED, post(Buffer.from('7b226d657373616765223a22eda080227d', 'hex'))),
  bad('nesting of 33', MALFORMED, post(`${'['.repeat(33)}${']'.repeat(33)}`)),
  bad('nesting of 30 000', MALFORMED, post(`{"message":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)),
  bad('nesting of 100 000', TOO_LARGE, post('['.repeat(100_000))),
  bad('nesting of 100 000 in chunks', TOO_LARGE, chunked('{"a":'.repeat(20_000))),
  // Bodies: JSON of the wrong content.
  ...['5', 'null', 'true', '"a"', '[]', '[{"message":"a"}]', '{}', '{"text":"a"}'].map((body) =>
    bad(`the body ${body}`, INVALID_CONTENT, post(body)),
  ),
  ...['5', 'null', 'true', '[]', '{}', '["a"]', '""'].map((value) =>
    bad(`the message ${value}`, INVALID_CONTENT, post(`{"message":${value}}`)),
  ),
  bad('a NUL in the message', INVALID_CONTENT, post('{"message":"a\\u0000b"}')),
  bad('a high surrogate alone', INVALID_CONTENT, post('{"message":"\\ud83d"}')),
  bad('a low surrogate alone', INVALID_CONTENT, post('{"message":"a\\ude00b"}')),
  bad('surrogates in the wrong order', INVALID_CONTENT, post('{"message":"\\ude00\\ud83d"}')),
  bad('__proto__ beside the message', INVALID_CONTENT, post('{"message":"a","__proto__":{"isAdmin":true}}')),
  bad('the message in __proto__', INVALID_CONTENT, post('{"__proto__":{"message":"a"}}')),
  bad('an escaped __proto__', INVALID_CONTENT, post('{"message":"a","\\u005f_proto__":null}')),
  bad('constructor beside the message', INVALID_CONTENT, post('{"message":"a","constructor":{"prototype":{}}}')),
  bad('an id of the client’s own', INVALID_CONTENT, post('{"message":"a","id":1}')),
  bad('message and value', INVALID_CONTENT, post('{"message":"a","value":"b"}')),
  bad('10 001 characters', INVALID_CONTENT, post(JSON.stringify({ message: 'x'.repeat(10_001) }))),
  bad('10 001 characters of two units each', INVALID_CONTENT, post(JSON.stringify({ message: '😀'.repeat(10_001) }))),
  bad('half an object to /save', MALFORMED, post('{"message":', '/save')),
  bad('a wrong type to /save', INVALID_CONTENT, post('{"message":5}', '/save')),
  bad('a wrong type in a PUT', INVALID_CONTENT, write('PUT', '/api/data/1', '{"message":5}')),
  // Bodies: size, type, framing.
  bad('70 KB with a length', TOO_LARGE, post(JSON.stringify({ message: 'x'.repeat(70_000) }))),
  bad('70 KB in chunks', TOO_LARGE, chunked(JSON.stringify({ message: 'x'.repeat(70_000) }))),
  bad('70 KB announced and not sent', TOO_LARGE, [`POST /api/data HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 70000\r\n\r\n`]),
  ...['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'application/jsonp', ''].map((type) =>
    bad(`Content-Type "${type}"`, WRONG_TYPE, write('POST', '/api/data', '{"message":"a"}', `Content-Type: ${type}\r\n`)),
  ),
  bad('no Content-Type', WRONG_TYPE, write('POST', '/api/data', '{"message":"a"}', '')),
  bad('a compressed body', WRONG_TYPE, write('POST', '/api/data', '{"message":"a"}', `${JSON_TYPE}Content-Encoding: gzip\r\n`)),
  bad('an unknown Transfer-Encoding', MALFORMED, framed('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n')),
  bad('a length and chunks', MALFORMED, framed('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')),
  bad('two lengths', MALFORMED, framed('Content-Length: 15\r\nContent-Length: 16\r\n', '{"message":"a"}')),
  bad('a negative length', MALFORMED, framed('Content-Length: -3\r\n', '')),
  bad('a chunk without a size', MALFORMED, framed('Transfer-Encoding: chunked\r\n', 'zz\r\n\r\n')),
  // Conditions that no record meets.
  ...['If-None-Match: *', 'If-Match: "old"'].flatMap((condition) => [
    bad(`PUT with ${condition}`, PRECONDITION_FAILED, write('PUT', '/api/data/1', '{"message":"a"}', `${JSON_TYPE}${condition}\r\n`)),
    bad(`DELETE with ${condition}`, PRECONDITION_FAILED, request('DELETE', '/api/data/1', `${condition}\r\n`)),
    bad(
      `PUT with ${condition}, no such record`,
      NOT_FOUND,
      write('PUT', '/api/data/999999', '{"message":"a"}', `${JSON_TYPE}${condition}\r\n`),
    ),
  ]),
  // Methods.
  ...['BREW', 'TRACE', 'PROPFIND', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'].map((method) =>
    bad(`${method} /api/data`, NO_METHOD, request(method, '/api/data')),
  ),
  ...['POST', 'PATCH'].map((method) => bad(`${method} /api/data/1`, NO_METHOD, request(method, '/api/data/1', 'Content-Length: 0\r\n'))),
  bad('GET /save', NO_METHOD, request('GET', '/save')),
  bad('DELETE /data', NO_METHOD, request('DELETE', '/data')),
  bad('a method in small letters', { balancer: MALFORMED, instance: NO_METHOD }, request('get', '/api/data')),
  bad('CONNECT', { balancer: MALFORMED, instance: '0' }, request('CONNECT', 'relais.test:443')),
  bad('bytes that are no request', { balancer: MALFORMED, instance: NO_METHOD }, ['\u0000\u0001\u0002\u0003\r\n\r\n']),
  bad('the start of TLS', { balancer: MALFORMED, instance: NO_METHOD }, [Buffer.from('16030100a5010000a10303', 'hex')]),
  bad('HTTP/2 without asking', MALFORMED, ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']),
  bad('HTTP/9.9', MALFORMED, [`GET /api/data HTTP/9.9\r\n${HOST}\r\n`]),
  // Parameters.
  ...['0', '-1', '1001', '1.5', '1e3', '0x10', 'abc', '', '%00', '99999999999999999999', '1%20'].map((limit) =>
    bad(`limit=${limit}`, INVALID_PARAMETER, request('GET', `/api/data?limit=${limit}`)),
  ),
  ...['0', '-1', 'abc', '', '1.5', '9007199254740993'].map((before) =>
    bad(`before=${before}`, INVALID_PARAMETER, request('GET', `/api/data?before=${before}`)),
  ),
  ...['0', '-1', '1.5', 'abc', '01', '99999999999999999999', '%ff', '__proto__'].map((id) =>
    bad(`the id ${id}`, INVALID_PARAMETER, request('GET', `/api/data/${id}`)),
  ),
  ...['PUT', 'DELETE'].map((method) =>
    bad(`${method} of the id abc`, INVALID_PARAMETER, write(method, '/api/data/abc', '{"message":"a"}')),
  ),
  bad('an id that nobody has', NOT_FOUND, request('GET', '/api/data/4000000')),
  bad('a path that nobody has', NOT_FOUND, request('GET', '/api/nothing')),
  bad(
    'an Idempotency-Key of 200 characters',
    INVALID_PARAMETER,
    post('{"message":"a"}', '/api/data', `Idempotency-Key: ${'k'.repeat(200)}\r\n`),
  ),
  bad('an Idempotency-Key with a blank', INVALID_PARAMETER, post('{"message":"a"}', '/api/data', 'Idempotency-Key: a b\r\n')),
  bad('a token that is none', INVALID_PARAMETER, request('GET', '/api/data', 'X-Session-Token: junk\r\n')),
  // Lines and headers.
  bad('a URL of 9 KB', TOO_LONG, request('GET', `/api/data?x=${'a'.repeat(9_000)}`)),
  bad('a URL of 20 KB', { balancer: TOO_LONG, instance: HEADERS_TOO_LARGE }, request('GET', `/api/data?x=${'a'.repeat(20_000)}`)),
  bad('a header of 20 KB', HEADERS_TOO_LARGE, request('GET', '/api/data', `X-Long: ${'a'.repeat(20_000)}\r\n`)),
  bad('20 KB of headers', HEADERS_TOO_LARGE, request('GET', '/api/data', `X-Many: ${'a'.repeat(1_000)}\r\n`.repeat(20))),
  bad('no Host', MALFORMED, ['GET /api/data HTTP/1.1\r\nConnection: close\r\n\r\n']),
  bad('a Host with a blank', MALFORMED, ['GET /api/data HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n']),
  bad('a NUL in a header', MALFORMED, request('GET', '/api/data', 'X-Request-ID: a\u0000b\r\n')),
  bad('a NUL in the path', MALFORMED, request('GET', '/api/data\u0000')),
  bad('a folded header', MALFORMED, request('GET', '/api/data', 'X-Folded: a\r\n  b\r\n')),
  bad('a blank before the colon', MALFORMED, request('GET', '/api/data', 'X-Blank : a\r\n')),
  // The node-to-node path, and ways around its prefix.
  ...[
    '/api/replicate',
    '/./api/replicate',
    '/%61pi/replicate',
    '/api/data/../replicate',
    '/api/data/%2e%2e/replicate',
    '/api/replicate?x',
    '/api/replicate/snapshot?part=0',
    'http://elsewhere.test/api/replicate',
  ].map((path) => bad(`GET ${path}`, HIDDEN, request('GET', path))),
  bad('POST /api/replicate', HIDDEN, post('{"message":"forged"}', '/api/replicate')),
  ...[
    '//api/replicate',
    '/api//replicate',
    '/api%2Freplicate',
    '/api/replicate/',
    '/API/replicate',
    '/api/replicate;x',
    '/api/%2freplicate',
  ].map((path) => bad(`POST ${path}`, NOT_FOUND, post('{"message":"forged"}', path))),
  bad('POST /api\\replicate', MALFORMED, post('{"message":"forged"}', '/api\\replicate')),
  bad('POST /api%5Creplicate', { balancer: MALFORMED, instance: NOT_FOUND }, post('{"message":"forged"}', '/api%5Creplicate')),
  bad('a tab in the path', MALFORMED, request('GET', '/api/\treplicate')),
]

/** Requests that begin and never end. */
export const UNFINISHED: readonly { readonly name: string; readonly parts: readonly string[] }[] = [
  { name: 'a connection without a byte', parts: [''] },
  { name: 'half a request line', parts: ['GET /api/da'] },
  { name: 'half a header', parts: [`GET /api/data HTTP/1.1\r\n${HOST}X-Half: a`] },
  { name: 'a stalled body', parts: [`POST /api/data HTTP/1.1\r\n${HOST}${JSON_TYPE}Content-Length: 20\r\n\r\n`, '{"message":'] },
  {
    name: 'a stalled chunk',
    parts: [`POST /api/data HTTP/1.1\r\n${HOST}${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n`, 'ff\r\n{"message":'],
  },
]

function bad(name: string, expected: Expected, parts: readonly (string | Uint8Array)[]): BadRequest {
  return { name, parts, expected }
}

function request(method: string, path: string, headers = ''): string[] {
  return [`${method} ${path} HTTP/1.1\r\n${HOST}${headers}\r\n`]
}

function write(method: string, path: string, body: string | Uint8Array, headers = JSON_TYPE): (string | Uint8Array)[] {
  return [`${method} ${path} HTTP/1.1\r\n${HOST}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`, body]
}

function post(body: string | Uint8Array, path = '/api/data', headers = ''): (string | Uint8Array)[] {
  return write('POST', path, body, JSON_TYPE + headers)
}

function framed(framing: string, rest: string): string[] {
  return [`POST /api/data HTTP/1.1\r\n${HOST}${JSON_TYPE}${framing}\r\n`, rest]
}

function chunked(body: string): string[] {
  return framed('Transfer-Encoding: chunked\r\n', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)
}
