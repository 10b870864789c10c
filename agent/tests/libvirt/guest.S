# A guest of 512 bytes: it says that it is up, and then what MODE asks for. It beats every BEAT ticks, of which a second has 18.2. The lab's hosts
# (tests/hosts) run it too.
#   0  a heartbeat on its console, for ever
#   1  powers itself off after two of them
#   2  hangs after four of them
#   3  writes 16 KiB to its first disk, and then beats
.code16
.globl _start
_start: xor %ax,%ax; mov %ax,%ds; mov %ax,%ss; mov $0x7c00,%sp
  mov $0x3f8+3,%dx; mov $0x03,%al; out %al,%dx
  mov $msg,%si; call puts
  sti
.if MODE == 3
  mov %ax,%es
  mov $0x0320,%ax; mov $0x7c00,%bx; mov $0x0001,%cx; mov $0x0080,%dx; int $0x13
.endif
.if MODE == 1
  mov $2,%bx
.elseif MODE == 2
  mov $4,%bx
.endif
loop: mov $BEAT,%cx
1: hlt
  loop 1b
  mov $hb,%si; call puts
.if (MODE == 1) | (MODE == 2)
  dec %bx
  jz done
.endif
  jmp loop
done:
.if MODE == 1
  mov $0x604,%dx; mov $0x2000,%ax; out %ax,%dx
.endif
  cli
3: hlt
  jmp 3b
puts: lodsb; test %al,%al; jz 2f
  push %ax
4: mov $0x3fd,%dx; in %dx,%al; test $0x20,%al; jz 4b
  pop %ax
  mov $0x3f8,%dx; out %al,%dx
  jmp puts
2: ret
msg: .asciz "GUEST UP\r\n"
hb: .asciz "HB\r\n"
.org 510
.word 0xaa55
