<?php
/**
 * Reads a mail as a mail program would.
 */

namespace Postreeve\Contract;

final class Reader {

	const HEADERS = array( 'from', 'to', 'cc', 'bcc', 'reply-to', 'subject', 'list-unsubscribe', 'list-unsubscribe-post' );

	/**
	 * What a reader sees: headers, texts, files.
	 */
	public static function read( string $mime ): array {
		list( $headers, $body ) = self::halves( $mime );

		$seen = array();
		foreach ( self::HEADERS as $name ) {
			$seen[ $name ] = isset( $headers[ $name ] ) ? (string) iconv_mime_decode( $headers[ $name ], ICONV_MIME_DECODE_CONTINUE_ON_ERROR, 'UTF-8' ) : '';
		}
		$seen['parts'] = self::parts( $headers, $body );
		return $seen;
	}

	/**
	 * The parts that are not made of parts.
	 */
	private static function parts( array $headers, string $body ): array {
		$type = $headers['content-type'] ?? 'text/plain';
		if ( preg_match( '~^multipart/.*boundary="?([^";]+)"?~is', $type, $found ) ) {
			$parts = array();
			foreach ( array_slice( explode( '--' . $found[1], $body ), 1 ) as $part ) {
				if ( 0 !== strpos( $part, '--' ) ) {
					list( $inner, $content ) = self::halves( ltrim( $part, "\r\n" ) );
					$parts                   = array_merge( $parts, self::parts( $inner, $content ) );
				}
			}
			return $parts;
		}
		$encoding = strtolower( trim( $headers['content-transfer-encoding'] ?? '' ) );
		if ( 'base64' === $encoding ) {
			$body = (string) base64_decode( $body );
		} elseif ( 'quoted-printable' === $encoding ) {
			$body = quoted_printable_decode( $body );
		}
		$disposition = $headers['content-disposition'] ?? '';
		return array(
			array(
				'type'        => strtolower( trim( explode( ';', $type )[0] ) ),
				'disposition' => strtolower( trim( explode( ';', $disposition )[0] ) ),
				'name'        => preg_match( '/filename="?([^";]+)"?/i', $disposition, $name ) ? (string) iconv_mime_decode( $name[1], ICONV_MIME_DECODE_CONTINUE_ON_ERROR, 'UTF-8' ) : '',
				'cid'         => trim( $headers['content-id'] ?? '', '<> ' ),
				'content'     => md5( rtrim( str_replace( "\r\n", "\n", $body ) ) ),
			),
		);
	}

	/**
	 * Header fields by lower-case name, and the body.
	 */
	private static function halves( string $mime ): array {
		$halves  = explode( "\r\n\r\n", $mime, 2 );
		$headers = array();
		foreach ( explode( "\r\n", (string) preg_replace( "/\r\n[ \t]+/", ' ', $halves[0] ) ) as $line ) {
			$field                                      = explode( ':', $line, 2 );
			$headers[ strtolower( trim( $field[0] ) ) ] = trim( $field[1] ?? '' );
		}
		return array( $headers, $halves[1] ?? '' );
	}
}
