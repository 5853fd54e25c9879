;; Products of matrices of doubles, in tiles of four rows and four columns; and leaky ReLUs, whose
;; branches a processor cannot foresee.
;;
;; Both matrices are first copied into strips, a's of four rows and b's of four columns, in the order
;; in which a tile reads them; what a strip lacks of four is filled with zeros. So one loop serves
;; matrices and transposed ones alike. kernel.wasm is this file, assembled (make kernel).
(module
  (import "lab" "memory" (memory 1))

  ;; Copy a strip: at each of $inner places, $along bytes apart, $there of four numbers that are
  ;; $step bytes apart.
  (func $pack (param $from i32) (param $step i32) (param $along i32) (param $inner i32)
    (param $there i32) (param $to i32)
    (local $end i32) (local $at i32) (local $place i32)
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $inner) (i32.const 5))))
    (block $packed
      (loop $next
        (br_if $packed (i32.ge_u (local.get $to) (local.get $end)))
        (local.set $at (local.get $from))
        (f64.store (local.get $to) (f64.load (local.get $at)))
        (if (i32.eq (local.get $there) (i32.const 4))
          (then
            (local.set $at (i32.add (local.get $at) (local.get $step)))
            (f64.store offset=8 (local.get $to) (f64.load (local.get $at)))
            (local.set $at (i32.add (local.get $at) (local.get $step)))
            (f64.store offset=16 (local.get $to) (f64.load (local.get $at)))
            (local.set $at (i32.add (local.get $at) (local.get $step)))
            (f64.store offset=24 (local.get $to) (f64.load (local.get $at))))
          (else
            (local.set $place (i32.const 1))
            (loop $number
              (local.set $at (i32.add (local.get $at) (local.get $step)))
              (f64.store (i32.add (local.get $to) (i32.shl (local.get $place) (i32.const 3)))
                (if (result f64) (i32.lt_u (local.get $place) (local.get $there))
                  (then (f64.load (local.get $at)))
                  (else (f64.const 0))))
              (local.set $place (i32.add (local.get $place) (i32.const 1)))
              (br_if $number (i32.lt_u (local.get $place) (i32.const 4))))))
        (local.set $from (i32.add (local.get $from) (local.get $along)))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (br $next))))

  ;; The product of a strip of rows and a strip of columns: a tile, whose rows go to places $row
  ;; bytes apart.
  (func $tile (param $a i32) (param $b i32) (param $inner i32) (param $to i32) (param $row i32)
    (local $end i32) (local $x v128) (local $l v128) (local $r v128)
    (local $c0l v128) (local $c0r v128)
    (local $c1l v128) (local $c1r v128)
    (local $c2l v128) (local $c2r v128)
    (local $c3l v128) (local $c3r v128)
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $inner) (i32.const 5))))
    (loop $next
      (local.set $l (v128.load align=8 (local.get $b)))
      (local.set $r (v128.load offset=16 align=8 (local.get $b)))
      (local.set $x (v128.load64_splat offset=0 (local.get $a)))
      (local.set $c0l (f64x2.add (local.get $c0l) (f64x2.mul (local.get $x) (local.get $l))))
      (local.set $c0r (f64x2.add (local.get $c0r) (f64x2.mul (local.get $x) (local.get $r))))
      (local.set $x (v128.load64_splat offset=8 (local.get $a)))
      (local.set $c1l (f64x2.add (local.get $c1l) (f64x2.mul (local.get $x) (local.get $l))))
      (local.set $c1r (f64x2.add (local.get $c1r) (f64x2.mul (local.get $x) (local.get $r))))
      (local.set $x (v128.load64_splat offset=16 (local.get $a)))
      (local.set $c2l (f64x2.add (local.get $c2l) (f64x2.mul (local.get $x) (local.get $l))))
      (local.set $c2r (f64x2.add (local.get $c2r) (f64x2.mul (local.get $x) (local.get $r))))
      (local.set $x (v128.load64_splat offset=24 (local.get $a)))
      (local.set $c3l (f64x2.add (local.get $c3l) (f64x2.mul (local.get $x) (local.get $l))))
      (local.set $c3r (f64x2.add (local.get $c3r) (f64x2.mul (local.get $x) (local.get $r))))
      (local.set $a (i32.add (local.get $a) (i32.const 32)))
      (local.set $b (i32.add (local.get $b) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $a) (local.get $end))))
    (v128.store align=8 (local.get $to) (local.get $c0l))
    (v128.store offset=16 align=8 (local.get $to) (local.get $c0r))
    (local.set $to (i32.add (local.get $to) (local.get $row)))
    (v128.store align=8 (local.get $to) (local.get $c1l))
    (v128.store offset=16 align=8 (local.get $to) (local.get $c1r))
    (local.set $to (i32.add (local.get $to) (local.get $row)))
    (v128.store align=8 (local.get $to) (local.get $c2l))
    (v128.store offset=16 align=8 (local.get $to) (local.get $c2r))
    (local.set $to (i32.add (local.get $to) (local.get $row)))
    (v128.store align=8 (local.get $to) (local.get $c3l))
    (v128.store offset=16 align=8 (local.get $to) (local.get $c3r)))

  ;; Copy the first $rows rows and $cols columns of a tile.
  (func $copy (param $tile i32) (param $to i32) (param $row i32) (param $rows i32)
    (param $cols i32)
    (local $i i32) (local $j i32)
    (loop $down
      (local.set $j (i32.const 0))
      (loop $along
        (f64.store (i32.add (local.get $to) (i32.shl (local.get $j) (i32.const 3)))
          (f64.load (i32.add (local.get $tile) (i32.shl (local.get $j) (i32.const 3)))))
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (br_if $along (i32.lt_u (local.get $j) (local.get $cols))))
      (local.set $tile (i32.add (local.get $tile) (i32.const 32)))
      (local.set $to (i32.add (local.get $to) (local.get $row)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $down (i32.lt_u (local.get $i) (local.get $rows)))))

  ;; How many of four are there from $from on, of $count in all.
  (func $among (param $from i32) (param $count i32) (result i32)
    (local.set $count (i32.sub (local.get $count) (local.get $from)))
    (select (i32.const 4) (local.get $count) (i32.gt_u (local.get $count) (i32.const 4))))

  ;; c = a b. a is $rows x $inner, b $inner x $cols: $a_row bytes lie between a's rows, $a_col
  ;; between its columns, and likewise b's. c has its numbers row by row.
  ;; $spare: room for a tile, a strip of a, and all strips of b.
  (func (export "multiply") (param $a i32) (param $a_row i32) (param $a_col i32)
    (param $b i32) (param $b_row i32) (param $b_col i32)
    (param $c i32) (param $rows i32) (param $cols i32) (param $inner i32) (param $spare i32)
    (local $i i32) (local $j i32) (local $strip i32) (local $strips i32) (local $b_strip i32)
    (local $to i32) (local $c_row i32) (local $high i32) (local $wide i32)
    (local.set $strip (i32.add (local.get $spare) (i32.const 128)))
    (local.set $strips
      (i32.add (local.get $strip) (i32.shl (local.get $inner) (i32.const 5))))
    (local.set $c_row (i32.shl (local.get $cols) (i32.const 3)))
    (local.set $b_strip (local.get $strips))
    (loop $pack_b
      (call $pack
        (i32.add (local.get $b) (i32.mul (local.get $j) (local.get $b_col)))
        (local.get $b_col) (local.get $b_row) (local.get $inner)
        (call $among (local.get $j) (local.get $cols)) (local.get $b_strip))
      (local.set $b_strip
        (i32.add (local.get $b_strip) (i32.shl (local.get $inner) (i32.const 5))))
      (local.set $j (i32.add (local.get $j) (i32.const 4)))
      (br_if $pack_b (i32.lt_u (local.get $j) (local.get $cols))))
    (loop $down
      (local.set $high (call $among (local.get $i) (local.get $rows)))
      (call $pack
        (i32.add (local.get $a) (i32.mul (local.get $i) (local.get $a_row)))
        (local.get $a_row) (local.get $a_col) (local.get $inner) (local.get $high)
        (local.get $strip))
      (local.set $to
        (i32.add (local.get $c) (i32.mul (local.get $i) (local.get $c_row))))
      (local.set $b_strip (local.get $strips))
      (local.set $j (i32.const 0))
      (loop $along
        (local.set $wide (call $among (local.get $j) (local.get $cols)))
        (if (i32.eq (i32.add (local.get $high) (local.get $wide)) (i32.const 8))
          (then
            (call $tile (local.get $strip) (local.get $b_strip) (local.get $inner)
              (local.get $to) (local.get $c_row)))
          (else
            (call $tile (local.get $strip) (local.get $b_strip) (local.get $inner)
              (local.get $spare) (i32.const 32))
            (call $copy (local.get $spare) (local.get $to) (local.get $c_row)
              (local.get $high) (local.get $wide))))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (local.set $b_strip
          (i32.add (local.get $b_strip) (i32.shl (local.get $inner) (i32.const 5))))
        (local.set $j (i32.add (local.get $j) (i32.const 4)))
        (br_if $along (i32.lt_u (local.get $j) (local.get $cols))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $down (i32.lt_u (local.get $i) (local.get $rows)))))

  ;; $to = $from where $sign is positive, and $slope times it elsewhere; $count numbers of each, of
  ;; which the last is one of a pair.
  (func (export "leaky") (param $from i32) (param $sign i32) (param $to i32) (param $count i32)
    (param $slope f64)
    (local $end i32) (local $x v128) (local $factor v128) (local $zero v128)
    (local.set $factor (f64x2.splat (local.get $slope)))
    (local.set $end (i32.add (local.get $to) (i32.shl (local.get $count) (i32.const 3))))
    (loop $next
      (local.set $x (v128.load (local.get $from)))
      (v128.store (local.get $to)
        (v128.bitselect (local.get $x) (f64x2.mul (local.get $x) (local.get $factor))
          (f64x2.gt (v128.load (local.get $sign)) (local.get $zero))))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (local.set $sign (i32.add (local.get $sign) (i32.const 16)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $to) (local.get $end))))))
