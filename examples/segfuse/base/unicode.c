#include "unicode.h"

#include <stdlib.h>
#include <string.h>

/* Printed by tests/golden/normal_tables.py, which says what they hold. */
/* clang-format off */
static const char unicode_marks[] =
    "rYMv1MJ'%):+(;%#B%++-(F''G+&F'5G9.z0-${0++7307%#6%'6)#7)$6)%7)%6+(7%#'%%:'$7%#)%%%'$$%%%'$$%;(~"
    "52#u4*6%)7+(6%'7)&2%#&%-7/#6/*7'$6%%7'$2%#/%#'%#|0%#%%#%%#%%#%%#%%#%%#%%#%%%%'$%%#%%#%'#%'#%%#%"
    "'#z/%#6'#s/e&1m030o/%#%%#%k$#,%#%%#%%#%%#%%#%%#%%#%%%h/'#6')7-*6%%7'$6E#l.i(/f/5(#+(6%#7)%#)$6%"
    "%7'$6l##j.b#d/%#6%%7'$6%%7'%6)&7%%6'$7%#6%'7)&6%#7%#6%#7%#6%#7%#6%%7u,-#1.6%#77#6U)7--#7.#+'#i$"
    "&6l%&7%'6)%7e$%#-#6-57A<6%%7'$6%%7'$6%'7)#6)&|.%#%%#%%'r/)&6%%7'#6')7p%*g1E#'+#d1%#6%%7o($g1E#'"
    "k$#d1j%#g1E#'{(#&E#'{(#&E#'g*##{(#&E#'3#i&%#1i(#z&E#'y(%#G$#|)##y(%t''$s'?)|'}(&9'$v(?)d)s&&|'^"
    "$#'##'#*y$#e'%#%'#'/)&/(#'%e('$~0'%d1n%$6d)#n0'%'{&$k0~U'7fh#$~0d#$#m,##9#d1x/#&l+#.%#3%#6}0#7%"
    "#6~%#j0M1d1706k$+7-%6/*7'$6'%#'#7'#6')7-*6%)7o((g1C#'r##d1%#6%/7h%,~0f%$&;%'x%$&~+'h1+&s1%+{0-("
    "7''6+(7'/s19.{01#7+%#p/##'$6%/71.6%%7'$+%#J%#/%#F%l#[n#k#'%%*'$2%#&%#;%#)%#<%#7%#6eV%7'#s1''t1+"
    "$s1)$t1/$#+%s1'$t1%#6%#7%%s1''{0+(7g~('#l+&~0z'bd1eLa:%#7%#+%#6%%'s(#t0hlt#$f1-5#x#2#w&##j5$~0p"
    "###|+##[Ed1i&@6t#&j0x'#&=#'o2#d1'%#'$6)%71##)$#s$#~0}2##mhX#EvY/x/1#61,7{i#$6p1##x++7th%*6'#7v#"
    "##%#s1%#{0-#j0},#d1%#6hK)7t=&#g,#6'%7)&6%#7%)6s$(7%#6%#7%#6}.#j0x###A##}$##%#&z%'h1o$$~0n%$&m&#"
    "'7#&s(#'%#&|-##%#'u&%&G$'U/d17&#i0*~0+#&S#h1e(#~0%#&l3#'%#&e*#'p)##%#&j)#'u4##%#&z3%'/$&k,#'{&#"
    "#I##w&##|?##z3#&'%'y&$#n{V+2n%'t1w{#,i1wnV$,ug/%s0'%r0/&l1%+6=)+7(7-(6d#'7|+$#ji*+#37#I6#3,#))#"
    "m4'#}<.#j%)#mv$)6j)$7/,g1";
static const char unicode_single[] =
    "k_rY%%'Gk$k'7{O5z)~g4wX'%'%'%'^'%'%j%}%)o$9j$'%313.3p#3g#)4%j]7y]')'xV)kr6%%m6jp4+pa%v)oF{wA%%t"
    "wf&|lb%px:%er<%vF%zs5%ip7%wr$%owU%#%s|Q%ejH%{{J%zh#%ju&%o|.%n}&%ik%%w<%i8%s{%%ut;%n[%th#%|Y%fe,"
    "%qy)%mr&%erU%qd$%nf1%fr%%ju.%um1%qeN%pt-%t|/%we#%vu;%tm6%v}$%ns=%en&%s~$%kp$%gq5%rnN%iJ%q6%eg-%"
    "ry$%|t%%o}#%j}&%yx$%d'%k{%%ke'%dr#%{P%nz:%u2%}o#%p{$%pj+%mt(%om.%fuC%h{$%nh5%wo#%hp*%ge%%ls.%iw"
    "'%thL%xd#%kh*%ki#%r7%qp*%i4%jp1%f}O%vu@%{lA%B%f{<%rf#%i|$%xr-%nj(%jg=%ht%%gw7%~iK%eh*%vp#%ti.%{"
    "D%}u8%hh;%rq=%ow+%r|,%vg6%sv%%nh1%gt=%~x#%te6%q{)%td%%kk6%sy9%kj9%qj'%t}6%sq6%td-%xw;%oT%x'%pq0"
    "%p{.%ro$%vo&%hp%%pvL%l9%fi$%on$%qm%%qw'%s~&%ls4%q{#%zp#%w$%seV%fw.%tz#%xx9%p|B%t[%}(%~Q%o}'%nI%"
    "k_%kj$%tp#%vO%v{*%nw'%ho(%o]%~lN%d+%qH%oj4%ln1%yD%vm?%{6%pd#%gl&%wh,%iw&%dj:%|i&%gd$%jC%zM%el.%"
    "i.%{n(%n-%ug-%{{#%w&%e0%nqS%vg>%io1%xe$%smF%vo-%yL%wl(%u&%~f'%ku#%qd&%fv#%|{*%wt(%mg+%{sH%idB%m"
    "eP%zj/%r)%jk$%m:%rm$%r9%{Z%wy#%ow3%{mR%ml,%ikE%w|Q%zt)%rm,%h|7%u~A%lA%em%%rs(%kg9%~rP%uD%wn&%im"
    "'%~7%k:%dr#%zr%%|C%qk'%vf'%G%xy&%fg$%ieP%xz3%kj3%zn5%nU%kx,%sj,%yr$%|K%hiG%k|$%ev.%qr%%}&%e<%zo"
    "'%oI%zl3%ufK%pnE%q}B%n$%~n)%zp#%|y2%n}7%m|,%je%%hd=%fo%%in*%rq)%vr>%df*%~v#)~Q'ep*)~~.%e}7%nf#%"
    "dO%h#%1%x#%lp5%|i3%pY'w~$'r~#)ij$%j/+lg&%=%|#%{w#%ds)%ru$%uoR%z7%i(%y<%Y%w(%iL%o(%|'%tC%m(%ph#%"
    "7%lp#%m0%p#%e(%oa%r+%t-%vE%od$%w,%i4%iL%u.%|E%wu#%p-%9%$%3%/%1%i$%%%z-%p%%k8%oJ%M%y$%j7%r+%yD%d"
    "+%#%eD%i{#%s*%r;%y$%d?%s$%pS%k*%fj%%v5%f%%jwG%xnf-%{xi,)udE%ge#%l&%xD%iB%d%%{8%o$%uR%}%%v%%e&%p"
    "O%j'%n+%C%u4%l/%gg#%1%l+%v%%y6%n)%y%%s*%d$%p+%r%%k>%h'%u$%|3%z5%w,%+%d%%fp#%p%%t=%d?%B%f'%l3%r9"
    "%u|$%{m$%v)%x)%{8%v+%s$%n1%'%l-%E%U%d'%6%~=%sD%w4%q.%j1%~+%f9%n/%j`%k,%xd#%oB%x%%C%u6%{$%}#%u$%"
    "(%D%k&%u&%}<%gJ%|7%q6%d1%}m#%k(%h)%q*%l#%;%i$%qV%ww#%dmx*%.%~u(%fvu-%tv#%f#%izl.%k}'%to8%rmd-%i"
    "&vgy-tuY%,%5%j~z+%}hz+%o&%=%|%%r)%b%o&%R%im4%~ru,%do|+%1%C%I%xq{+%xvt,%qv4%p#%ts{+%zr{+%=%rV%hW"
    "%5%oir/%udr/%?%id5%nh5%9%|#%-%yh5%xn5%'%Y%O%9%%%E%m$%3%5%U%7%'%#%#%ju}+%nli+%{u4%M%hj~+%ji~+%/%"
    "M%|+%h(%C%d#%}$%{&%W%t%%C%f#%#%M%G%3%A%z9%x4%{4%k/%j#%ru#%rn%%}5%p#%U%j*%d-%$%x)%mrf,%gmf,%-%A%"
    "K%3%n%%mkg,%r%%~eg,%g$%;%p&%h+%ip9%?%i{9%u$%#%mhh,%pyg,%M%A%;%zsh,%|rh,%1%j`%g^%ik:%zo:%?%w&%n$"
    "%pgj,%}ti,%gui,%|qi,%(%E%g(%%%qd;%rf;%z#%M%|#%wj;%~ek-%ddk-%fn;%)%)%K%~ou/%flu/%vgl,%#%wrn+%{d9"
    "%#%}p;%y{v-%ouA%p{|-%5%kt;%yw;%o$%7%h#%w*%og<%_%fk<%ssm,%xom,%i*%+%'%&%e$%K%l#%>%9%g$%K%+%W%9%r"
    "%%{&%j#%z)%wtn,%fvn,%o%%u(%Y%z'%wzn,%fvn,%q'%Z%iv=%pi>%M%b%o#%{e>%|u>%^%nup,%rlp,%h5%s-%s{>%}e?"
    "%hg?%k#%wp0%)%ys/%d(%}z2%fkK%}k9%+%/%h%%8%||q,%~zu-%g}?%k)%z/%o$%zrq,%grq,%z(%y2%xp@%it@%z'%|%%"
    "w.%jtq,%opq,%mnA%ssA%qvr,%vrr,%lsA%suA%~#%Y%%%fts,%hk5%ks5%jqs,%twt,%iot,%?%h(%t-%t#%{$%t$%t#%A"
    "%=%zgt,%ymt,%j3%l%%hgC%fnC%*%ipt,%odu,%k<%knt,%i$%kkt,%h)%X%(%tdD%ghD%o$%.%u$%ste+%kie+%uiu,%h~"
    "t,%q{u,%fqu,%=%Y%~dw,%n|v,%M%hvw,%h1%vuw,%E%ivE%hxE%jwE%#%khF%M%M%K%x%%tjF%lqF%rny,%sly,%osy,%v"
    "oy,%kkv+%nzu+%{g{,%Q%d+%nsk.%;%ggG%dp{,%$%r#%W%tq{,%%%#%z#%ziG%vnG%vmG%s&%~zm.%mw|,%j%%n%%zyG%{"
    "eo.%no},%dx},%z#%}v},%p'%pnH%ytH%7%-%jfd-%y6%#%spd-%drH%khr.%zsd-%)%qdI%lur.%xod-%hoI%zpI%,%^%w"
    "of-%mhf-%wrI%hzI%d%%t%%vdJ%u{u.%b%h{u.%dkv.%xdg-%klg-%jjg-%g(%9%qeh-%e&%gdh-%dnh-%ylh-%kd{+%qso"
    "-%ykK%u&%xmK%hrK%mt;%hji.%?%ihE%5%efz+%)%sf*%tmU%hiL%.%G%iiB%wjB%'%7%v#%}qj-%~qj-%y$%z%%g&%z*%e"
    ",%x#%}(%{3%p)%'%C%jrj-%r7%w+%y~{.%~lM%'%j#%v~n-%{xn-%mrk-%pq}.%+%e{}.%e6%vt~.%jgN%;%9%'%n%%e#%s"
    "*%{#%z+%t&%t%%Y%hvN%}|N%d#%x|N%zhO%)%uqn-%din-%1%vmO%yoO%hw[%i{t/%k.%jwh/%5%jiP%m&%k,%v/%ogp-%d"
    "|o-%O%l'%p'%{fq-%nju#%zhn*%@%q$%kvn*%men*%e(%prt-%Y%uus-%r'%d#%iit-%oht-%x5%o,%%%o'%{<%[%~ou-%j"
    "ot-%e|U%mdV%jmu-%|st/%irV%xtH%|{H%odw-%o0%xpw/%3%u|V%}ox-%pux/%{dy/%fwx-%#%`%joy-%q|x-%wfW%dlW%"
    "~)%Y%f%%kpW%d||/%{i{-%d7%u.%g{X%b%weY%ir}-%ode0%rhe0%k4%m*%nz}-%fwY%w{Y%-%1%7%1%n#%e|d.";
static const char unicode_split[] =
    "s_gZtY|y$ny$y|$%%#%%#%-#%-#%%#%5#%+#|)f)g*%%#'=#{&m*g*)/#j#g##%%#%-#)A#p3{2t3%%#sk#{o#tv#77#--#"
    "--#--#=X&7k$s%'#'%p%;'%#5q%#Gf#w$77#--#--#--#=X&jt3mw3ol)xy}%rr:xO'U)947%#%%v{|&$%#%%q}|&8%#%%#"
    "+%%#%%#%%#%%#%%#%%#''#%%#%%#%%#%%#''#''#%%#''#%%#''#%%#%%#%%#%%#%L(%*/%7#%5#|{f&hjq,}mq,%%#%15%"
    "#%%#%%#%%#%f'l'<%%#%%5%%#%$%%%#";
static const char unicode_pair[] =
    "{.p%rY%#%%#%%#%%#-%#'''^%'q#%#%%#%%#/%+2%#%%#%%#/'-,%%(%#%%#%%#%%#-)/2%#%%#%%#/%+0)3$%#%%#%%#%%"
    "#-%#'''^%'q#%#%%#%%#/%+2%#%%#%%#/'-,%%(%#%%#%%#%%#-)/2%#%%#%%#/%+0'#1%x$*%d##%c'%d##%ch#%d##%_q"
    "#%d##%c%%d##%c-%d##%c-%d##%a#%d##)a2%d##%c'%d##%c%%d##%cf#%d##%cZ%d##%_6%d##%c+%d##%c%%d##%cd#%"
    "d##%am#%d##)a%%d##%c%%d##%c'%d##%ch#%d##%ce#+%,%d##%an#%d##'ao#%d##%cp#%d##%cX%d##-_8%d##%cp#%d"
    "##%cX%d##+a2%d##%c'%d##%c-%d##)]6%d##%cp#%d##%cX%d##%a8%d##%c%%d##%cn#%d##%cX%d##%aY%d##%cX%d##"
    ")a4%d##%c%%d##%c'%d##%c+%d##%c%%d##%c^%d##%_o#%d##%_#%d##%c/%%0%d##%c/%d##%c-%d##h#y#A%d##?V#%d"
    "##^p$@%d##%R#%d##%V#%d##%V#%d##%k(2%d##%c(%d##%c9%d##%c:%d##'x$+%d##%q8#%%#%x:#%d##)n,3%d##%Z#%"
    "d##%Z[%d##%w<k#%%#%p$3%{0#%qI#+i#8%d##)T$%d##%f'%%d##%a#%d##%>#%d##%h.?%d##%c'%d##%Z&%d##%c'%d#"
    "#%Z&%d##%c'%d##%V&%d##%c'%d##%]&%d##%c'%d##%]&%d##%c'%d##%g#M%d##%a#%d##){#V%d##1q#,%d##%Zd#%d#"
    "#%d)i#%d##%e##%d##%|,)%d##%xA(%%#%oC#%d##v9g$(%zW#'+#%'#%'#'/#'/#%+#%f##Wj$1%;#%;0%+#%'#%'#%G#W"
    "F1%;#%.0%/#%+#-5#%#1|#t%2%#3'&0+<1-K0%&$%9/98#d#d##Q(.%#3'&0+j#1-Z0%&$%9/Sk$5%%#g&u'4%d##?o##%d"
    "##%c'%d##)X&%d##)w,'%%#%e/#%d##%a#%d##)a*%d##%c+%d##%V#%d##)j-#%%#%r.#%d##%w#*%d##%c+%d##%c)%d#"
    "#%Z(%d##)Z#%d##u6|Cf`%#%%f##%e#%%j#$e,}*#'J#EE#}L}LxW33#))#z+t+k*%#Uy<f=d=)#R%#U~%i&g*u$q$T%%#%"
    "$Uz)g*e*r)t)e*11#%#%'#J%+Ie*z)o(%%#%$Uh+r+h)'#-%),%(M|KiLoL{h({h(xk(''#''#''#''#++#v#v##''#)'#%"
    "%#')#sTvq3|o1%d##%a_%d##%c[%d##%c?%d##%g(h$%d##%v,/%d##%c[%d##%c?%d##%c6%d##%c/%d##%r-}#%%#%$%%"
    "%#%{/|#%d##%c)%d##%eBw#%%#%nD%%d##%a(%d##%a)%d##%c[%d##%cX%d##%cb%d##%c1%d##%a'%d##%i(f$%d##%x,"
    "#%d##%ch#%d##%c?%d##%a>%d##%rp5a%%#%}r5~#%d##%c*%d##%a{#%d##%c/%d##%c[%d##%aZ%d##%c[%d##%c?%d##"
    "%c*%d##%k({#%d##%c1%d##%f'2%%#%$%%%#%m3#%d##%c/%d##%_#%d##%c[%d##%xr5a%%#%hu5~#%d##%aw#%d##%c[%"
    "d##%x1Z%%#%-#%%#%u|4#%%#%tu5#%d##%c[%d##%c?%d##%c*%d##%a4%d##%c;%d##%c(%d##%u2{#%%#%%1%%#%g5,%d"
    "##%cd#%d##%ai#%d##%c%%d##%c1%d##%c$%d##%c[%d##%aZ%d##%c%%d##%a$%d##%a,%d##%cf#%d##%c?%d##%F#%;u"
    "#%)'%'#'e4(-h8[%d##%cV%d##%z'2%d##%c$%d##%c5%d##%c.%d##%uo5$%%#%lm5$%%#%$$%%#%$5%%#%$.%%#%im5)%"
    "%#%l{5^%d##%cV%d##%c.%d##%g(&%d##%c$%d##%c5%d##%c.%d##%zp5$%%#%y|51%d##%cW%d##%V#%d##%cV%d##%g("
    "2%d##%c$%d##%c5%d##%c.%d##%sq5$%%#%{d5$%%#%$$%%#%$5%%#%$.%%#%$d#%%#%i9#%d##%cV%d##%|72%%#%$$%%#"
    "%$5%%#%$.%%#%$d#%%#%d:i#%d##%cj#%d##%cV%d##%c.%d##1v^C%#%%qw3J%%#%$%%%#%$p%%%#%|y3f$%#%%pz3J%%#"
    "%$%%%#%$p%%%#%zw3f$%#%%nx3J%%#%$%%%#)yz3G%#%%m{3J%%#%$%%%#){x3G%#%%oy3J%%#%$%%%#%$p%%%#%z{3f$%#"
    "%%n|3J%%#%$%%%#%$p%%%#%|y3f$%#%%pz3J%%#%$%%%#%$p%%%#%{|3f$%#%%o}3J%%#%$%%%#%$p%%%#%uz3f$%#%%i{3"
    "J%%#%$%%%#)t}3G%#%%h~3J%%#%$%%%#)n{3G%#%%}{3J%%#%$%%%#%$p%%%#'m~3d$'~~3J'#%'#p%%k|3f$%#%%z|3J%%"
    "#%$%%%#%$p%%%#%jd4f$%#%%yd4J%%#%$%%%#%$p%%%#%jd4q%'+#''#''#'/#'/#'+#+wu3x%%%#%%#%%#%%#%%#%%#%%#"
    "%%#%%#%%#%%#%%#%%#%%#%%#%E#%%#%%#%%#%%#%%#%%#%%#%%#%%#%%#%%#%%#%%#%%#%%#%k$#%%#%%#%%#%%#%%#%%#%"
    "%#%%#%%#%%#%%#%%#%%#%%#%%#%vd4k%%#&%yd4p%%xd4#%,#'-(%~i4)%ll4k%%#&%#*'#x%-yW(%uh6)%td4#%4#'5(%w"
    "j4)%im4w%''#'#x%%sl4w%%#%%#p%%dj4e%%#&%E*+Dr%%E#%j$e%%#&%#*)fq4#%#%%#p%%ym4e%%#&%/*'6I%#%%+e$%/"
    "#%o#e%%#&%#*'*K%~XJ-ji6x%%{~3#%-#',(%}l4)%dp4w%'7#'#x%l?vr5<%'#I'#bf%#%+#%&#s$k$#--#))#SS#''#YQ"
    "#)1#)'#')#Qhp8#'er8#9J#%tp8#%'#%ir8#%%#)=#%%#))#%%#1)#%%#)1#%%#))#%%#j#Y#%/#%%#%'#k$f$#%%#%K#%%"
    "#1d##%%#%%#%%#i})kf*ho@''#''#''#''#''#''#''#''#''#''#''#))#''#''#11#%#%')$%#%')$%#%')$%#%')$%#%"
    "Qr$$7f'#?\?#''#''#''#''#''#''#''#''#''#''#''#))#''#''#11#%#%')$%#%')$%#%')$%#%')$%#%Qr$$)e&#%%#"
    "%%#%%#+9#}sm&}sm&y}m&''#A7#m*d+w(%%#uHgHkH%#Uz;e<}:%#6'#=l3r3s2%%#ycwcfd#";
/* clang-format on */

enum {
    UNICODE_MARKS = 382,
    UNICODE_SINGLES = 1035,
    UNICODE_SPLITS = 85,
    UNICODE_PAIRS = 941,
    UNICODE_FORMS = UNICODE_SINGLES + UNICODE_SPLITS + UNICODE_PAIRS,
    UNICODE_BYTE = 0x110000, /* + b: a byte b that is not UTF-8 */
    HANGUL = 0xAC00,         /* 11172 syllables: 19 first consonants, 21 vowels, */
    HANGUL_L = 0x1100,
    HANGUL_V = 0x1161,
    HANGUL_T = 0x11A7 /* and none or one of 27 last consonants */
};
/* A run of marks: first, length, class. Or a character and its parts, the second 0 if there is one. */
typedef struct {
    uint32_t code, first, second;
} unicode_row;
static unicode_row unicode_mark_runs[UNICODE_MARKS], unicode_forms[UNICODE_FORMS],
    unicode_compositions[UNICODE_PAIRS];

/* The next number of a table, a change; see digits() in the script. */
static uint32_t unicode_number(const char **at) {
    uint32_t number = 0, scale = 1, digit;
    do {
        digit = (uint32_t)(*(*at)++ - '#');
        if (digit > '\\' - '#') digit--;
        number += digit * scale;
        scale *= 27;
    } while (digit >= 64);
    return number & 1 ? 0 - (number / 2 + 1) : number / 2;
}
static void unicode_rows(const char *table, int columns, unicode_row *rows) {
    unicode_row row = {0, 0, 0};
    while (*table) {
        row.code += unicode_number(&table);
        row.first += unicode_number(&table);
        if (columns == 3) row.second += unicode_number(&table);
        *rows++ = row;
    }
}
static int unicode_by_code(const void *a, const void *b) {
    uint32_t x = ((const unicode_row *)a)->code, y = ((const unicode_row *)b)->code;
    return (x > y) - (x < y);
}
static int unicode_by_parts(const void *a, const void *b) {
    const unicode_row *x = (const unicode_row *)a, *y = (const unicode_row *)b;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first)
                                : (x->second > y->second) - (x->second < y->second);
}
static void unicode_unpack(void) {
    if (unicode_forms[0].code) return;
    unicode_rows(unicode_marks, 3, unicode_mark_runs);
    unicode_rows(unicode_pair, 3, unicode_compositions);
    memcpy(unicode_forms, unicode_compositions, sizeof unicode_compositions);
    unicode_rows(unicode_single, 2, unicode_forms + UNICODE_PAIRS);
    unicode_rows(unicode_split, 3, unicode_forms + UNICODE_PAIRS + UNICODE_SINGLES);
    qsort(unicode_forms, UNICODE_FORMS, sizeof *unicode_forms, unicode_by_code);
    qsort(unicode_compositions, UNICODE_PAIRS, sizeof *unicode_compositions, unicode_by_parts);
}
static uint32_t unicode_class(uint32_t code) {
    size_t low = 0, high = UNICODE_MARKS;
    while (low < high) { /* the first run that ends behind `code` */
        size_t middle = (low + high) / 2;
        if (unicode_mark_runs[middle].code + unicode_mark_runs[middle].first <= code)
            low = middle + 1;
        else high = middle;
    }
    return low < UNICODE_MARKS && unicode_mark_runs[low].code <= code
               ? unicode_mark_runs[low].second
               : 0;
}
/* The character that the two compose to, or 0. */
static uint32_t unicode_compose(uint32_t first, uint32_t second) {
    unicode_row wanted, *found;
    if (first - HANGUL_L < 19 && second - HANGUL_V < 21)
        return HANGUL + ((first - HANGUL_L) * 21 + (second - HANGUL_V)) * 28;
    if (first - HANGUL < 11172 && (first - HANGUL) % 28 == 0 && second - HANGUL_T - 1 < 27)
        return first + (second - HANGUL_T);
    wanted.code = 0, wanted.first = first, wanted.second = second;
    found = (unicode_row *)bsearch(&wanted, unicode_compositions, UNICODE_PAIRS, sizeof wanted,
                                   unicode_by_parts);
    return found ? found->code : 0;
}

/* What is folded: from first to last, to that character; 0: left out. */
static const struct {
    uint32_t first, last, to;
} unicode_folds[] = {
    {0xA0, 0xA0, ' '},      {0xAD, 0xAD, 0},       {0xB4, 0xB4, '\''},    {0x2BB, 0x2BD, '\''},
    {0x34F, 0x34F, 0},      {0x61C, 0x61C, 0},     {0x1680, 0x1680, ' '}, {0x180E, 0x180E, 0},
    {0x2000, 0x200A, ' '},  {0x200B, 0x200F, 0},   {0x2010, 0x2015, '-'}, {0x2018, 0x201B, '\''},
    {0x201C, 0x201F, '"'},  {0x2028, 0x2029, ' '}, {0x202A, 0x202E, 0},   {0x202F, 0x202F, ' '},
    {0x2032, 0x2032, '\''}, {0x2033, 0x2033, '"'}, {0x205F, 0x205F, ' '}, {0x2060, 0x206F, 0},
    {0x2212, 0x2212, '-'},  {0x3000, 0x3000, ' '}, {0xFE00, 0xFE0F, 0},   {0xFE58, 0xFE58, '-'},
    {0xFE63, 0xFE63, '-'},  {0xFEFF, 0xFEFF, 0},   {0xFF01, 0xFF5E, '!'}};

static uint32_t unicode_fold(uint32_t code) {
    size_t i;
    for (i = 0; i < sizeof unicode_folds / sizeof *unicode_folds; i++)
        if (code >= unicode_folds[i].first && code <= unicode_folds[i].last)
            return code < 0xFF01 ? unicode_folds[i].to : code - 0xFF01 + '!';
    return code;
}

/* Characters on their way; a mark has its class in the highest byte. */
typedef struct {
    uint32_t *code;
    size_t count;
    int fold;
} unicode_codes;

static void unicode_add(unicode_codes *codes, uint32_t code) {
    if (codes->fold && code < UNICODE_BYTE) code = unicode_fold(code);
    if (codes->fold &&
        (!code || (code == ' ' && codes->count && codes->code[codes->count - 1] == ' ')))
        return;
    codes->code[codes->count++] = code | unicode_class(code) << 24;
}
/* The first part may decompose again, the second never does. */
static void unicode_decompose(unicode_codes *codes, uint32_t code) {
    uint32_t index = code - HANGUL;
    unicode_row form = {0, 0, 0}, *found;
    form.code = code;
    if (index < 11172) {
        form.first = index % 28 ? code - index % 28 : HANGUL_L + index / 588;
        form.second = index % 28 ? HANGUL_T + index % 28 : HANGUL_V + index / 28 % 21;
    } else if ((found = (unicode_row *)bsearch(&form, unicode_forms, UNICODE_FORMS, sizeof form,
                                               unicode_by_code)) != NULL)
        form = *found;
    if (form.first) unicode_decompose(codes, form.first);
    else unicode_add(codes, code);
    if (form.second) unicode_add(codes, form.second);
}
/* Runs of marks by class; equal ones keep their order. `scratch` has room for them. */
static void unicode_sort(unicode_codes *codes, uint32_t *scratch) {
    size_t begin, end, i, n;
    uint32_t class_;
    for (begin = 0; begin < codes->count; begin = end + 1) {
        const uint32_t *run = codes->code + begin;
        int sorted = 1;
        for (end = begin; end < codes->count && codes->code[end] >> 24; end++)
            sorted = sorted &&
                     (end == begin || run[end - begin - 1] >> 24 <= run[end - begin] >> 24);
        for (class_ = 1, n = 0; class_ < 256 && !sorted; class_++)
            for (i = begin; i < end; i++)
                if (codes->code[i] >> 24 == class_) scratch[n++] = codes->code[i];
        if (!sorted) memcpy(codes->code + begin, scratch, n * sizeof *scratch);
    }
}
/* A mark composes with the last starter (a character of class 0) unless a character of the same or a
   higher class, or another starter, is between them. */
static void unicode_recompose(unicode_codes *codes) {
    size_t i, kept = 0;
    uint32_t *starter = NULL, last = 0;
    for (i = 0; i < codes->count; i++) {
        uint32_t class_ = codes->code[i] >> 24, code = codes->code[i] & 0xFFFFFF, composed = 0;
        if (starter && (!last || last < class_)) composed = unicode_compose(*starter, code);
        if (composed) {
            *starter = composed;
            continue;
        }
        codes->code[kept] = code;
        if (!class_) starter = &codes->code[kept];
        last = class_;
        kept++;
    }
    codes->count = kept;
}
/* Nothing below U+0300 changes, and of ASCII only blanks are folded. */
static int unicode_changes(sgf_str text, int fold) {
    size_t i;
    for (i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= (fold ? 0x80 : 0xCC)) return 1;
        if (fold && c == ' ' && i && text.ptr[i - 1] == ' ') return 1;
    }
    return 0;
}
sgf_status unicode_normal(sgf_str text, int fold, base_arena *arena, sgf_str *out, sgf_error *err) {
    sgf_allocator mem = base_allocator(&arena->mem);
    size_t cap = 2 * text.len + 1, at, n = 0; /* at most 3 characters of 2 bytes, 4 of 3 */
    unicode_codes codes;
    char *bytes;
    *out = text;
    if (!unicode_changes(text, fold)) return SGF_OK;
    codes.count = 0, codes.fold = fold;
    codes.code = (uint32_t *)base_alloc(&mem, cap, 2 * sizeof *codes.code, err);
    if (!codes.code) return SGF_ERR_MEMORY;
    unicode_unpack();
    for (at = 0; at < text.len; at += n) {
        uint32_t code = UNICODE_BYTE + (unsigned char)text.ptr[at];
        n = base_utf8_next(text.ptr + at, text.len - at, &code);
        if (n) unicode_decompose(&codes, code);
        else unicode_add(&codes, UNICODE_BYTE + (unsigned char)text.ptr[at]), n = 1;
    }
    unicode_sort(&codes, codes.code + cap);
    unicode_recompose(&codes);
    bytes = (char *)(codes.code + cap);
    for (at = n = 0; at < codes.count; at++)
        if (codes.code[at] < UNICODE_BYTE) n += base_utf8_put(codes.code[at], bytes + n);
        else bytes[n++] = (char)(codes.code[at] - UNICODE_BYTE);
    if (n != text.len || memcmp(bytes, text.ptr, n)) {
        const char *copy = base_arena_text(arena, bytes, n, err);
        *out = base_text_of(copy, copy ? n : 0);
    }
    base_free(&mem, codes.code, cap, 2 * sizeof *codes.code);
    return out->ptr ? SGF_OK : SGF_ERR_MEMORY;
}
int unicode_blank(sgf_str text) {
    size_t at, n;
    for (at = 0; at < text.len; at += n) {
        uint32_t code = 0;
        n = base_utf8_next(text.ptr + at, text.len - at, &code);
        if (!n || (code < 0x80 && !base_is_space((char)code))) return 0;
        if (code >= 0x80 && unicode_fold(code) && unicode_fold(code) != ' ') return 0;
    }
    return 1;
}
