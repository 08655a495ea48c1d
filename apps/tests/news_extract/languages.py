"""The same news in the scripts and languages of the world, as their newspapers write it."""

from __future__ import annotations

from dataclasses import dataclass

from .pages import page


@dataclass(frozen=True)
class Tongue:
    """words: of the text, as the language counts them. date: 6 May 2024, in its notation. byline: of `author`."""

    code: str
    encoding: str
    title: str
    text: tuple[str, ...]
    words: int
    date: str
    byline: str
    author: str

    def page(self, *, byline: str = "", head: str = "") -> bytes:
        """In its own encoding, which it declares; byline and date stand under the heading, without any class."""
        charset = f"<meta charset='{self.encoding}'>{head}"
        inside = f"<p>{byline or self.byline}</p><p class='date'>{self.date}</p>"
        found = page(head=charset, inside=inside, lang=self.code, title=self.title, text=self.text)
        return found.decode().encode(self.encoding)


TONGUES = (
    Tongue(
        "ar", "windows-1256", "العاصفة تصل إلى الساحل وتغلق الميناء",
        (
            "وصلت العاصفة إلى الساحل مساء الاثنين، وغادر مئات الأشخاص منازلهم قبل أن تصل المياه إلى الشوارع.",
            "وأغلقت طرق كثيرة، ولن يسير أي قطار قبل يوم الأربعاء، كما قالت شركة السكك الحديدية في بيان لها.",
            "وطلبت رئيسة البلدية من الجميع البقاء في منازلهم حتى تهدأ الرياح في المدينة.",
        ),
        47, "6 مايو 2024", "بقلم: أحمد علي", "أحمد علي",
    ),
    Tongue(
        "he", "windows-1255", "הסערה הגיעה לחוף וסגרה את הנמל",
        (
            "הסערה הגיעה לחוף ביום שני בערב, ומאות אנשים עזבו את בתיהם לפני שהמים הגיעו אל הרחובות.",
            "כבישים רבים נסגרו, ושום רכבת לא תיסע לפני יום רביעי, כך מסרה חברת הרכבות בהודעה שפרסמה.",
            "ראש העירייה ביקשה מכולם להישאר בבתיהם עד שהרוח תירגע בעיר.",
        ),
        42, "6 במאי 2024", "מאת: דוד כהן", "דוד כהן",
    ),
    Tongue(
        "hi", "utf-8", "तूफ़ान तट पर पहुँचा और बंदरगाह बंद",
        (
            "तूफ़ान सोमवार की शाम तट पर पहुँचा और पानी आने से पहले सैकड़ों लोगों ने अपने घर छोड़ दिए।",
            "कई सड़कें बंद हैं और बुधवार से पहले कोई रेलगाड़ी नहीं चलेगी, रेल कंपनी ने एक बयान में कहा।",
            "महापौर ने सभी से घर पर रहने को कहा है, जब तक हवा शांत नहीं हो जाती।",
        ),
        55, "6 मई 2024", "लेखक: राम शर्मा", "राम शर्मा",
    ),
    Tongue(
        "th", "tis-620", "พายุขึ้นฝั่งและปิดท่าเรือ",
        (
            "พายุขึ้นฝั่งเมื่อเย็นวันจันทร์ และประชาชนหลายร้อยคนต้องออกจากบ้านก่อนที่น้ำจะมาถึงถนนในเมือง",
            "ถนนหลายสายถูกปิด และจะไม่มีรถไฟวิ่งก่อนวันพุธ บริษัทรถไฟกล่าวในแถลงการณ์ที่เผยแพร่เมื่อวานนี้",
        ),
        40, "6 พฤษภาคม 2567", "โดย สมชาย ใจดี", "สมชาย ใจดี",
    ),
    Tongue(
        "vi", "utf-8", "Bão vào bờ và đóng cửa bến cảng",
        (
            "Bão đã vào bờ tối thứ Hai, và hàng trăm người đã rời khỏi nhà trước khi nước tràn vào các con phố.",
            "Nhiều con đường bị chặn, và không có chuyến tàu nào chạy trước thứ Tư, công ty đường sắt cho biết.",
        ),
        44, "6 tháng 5 năm 2024", "Bởi Nguyễn Văn An", "Nguyễn Văn An",
    ),
    Tongue(
        "tr", "iso-8859-9", "Fırtına kıyıya ulaştı ve limanı kapattı",
        (
            "Fırtına pazartesi akşamı kıyıya ulaştı ve yüzlerce kişi su gelmeden önce evlerini terk etti.",
            "Birçok yol kapalı ve çarşambadan önce hiçbir tren çalışmayacak, demiryolu şirketi açıklamasında belirtti.",
        ),
        27, "6 Mayıs 2024", "Yazan: Ahmet Yılmaz", "Ahmet Yılmaz",
    ),
    Tongue(
        "pl", "iso-8859-2", "Sztorm dotarł do wybrzeża i zamknął port",
        (
            "Sztorm dotarł do wybrzeża w poniedziałek wieczorem, a setki osób opuściły domy, zanim przyszła woda.",
            "Wiele dróg jest zamkniętych, a przed środą nie pojedzie żaden pociąg, podała kolej w swym oświadczeniu.",
        ),
        31, "6 maja 2024", "Autor: Jan Kowalski", "Jan Kowalski",
    ),
    Tongue(
        "el", "iso-8859-7", "Η καταιγίδα έφτασε στην ακτή και έκλεισε το λιμάνι",
        (
            "Η καταιγίδα έφτασε στην ακτή τη Δευτέρα το βράδυ και εκατοντάδες άνθρωποι άφησαν τα σπίτια τους.",
            "Πολλοί δρόμοι είναι κλειστοί και κανένα τρένο δεν θα περάσει πριν από την Τετάρτη, είπε η εταιρεία.",
        ),
        33, "6 Μαΐου 2024", "Γράφει ο Γιώργος Παπαδόπουλος", "Γιώργος Παπαδόπουλος",
    ),
    Tongue(
        "zh", "gb18030", "台风抵达海岸港口关闭",
        (
            "台风于周一晚间抵达海岸，数百人在洪水到来之前离开了家园，政府说道路已经关闭。",
            "铁路公司在声明中说，火车要到周三才能恢复运行，市长呼吁大家留在家中等待消息。",
        ),
        70, "2024年5月6日", "记者 王伟", "王伟",
    ),
    Tongue(
        "ja", "shift_jis", "台風が海岸に達し港が閉鎖された",
        (
            "台風は月曜日の夜に海岸に達し、数百人の住民が水の来る前に家を離れたと市が発表した。",
            "多くの道路が閉鎖され、水曜日までは列車が走らないと鉄道会社は声明の中で述べている。",
        ),
        78, "令和6年5月6日", "取材・文／山田太郎", "山田太郎",
    ),
    Tongue(
        "ko", "euc-kr", "폭풍이 해안에 도달해 항구를 폐쇄했다",
        (
            "폭풍이 월요일 저녁 해안에 도달했고 수백 명의 주민이 물이 들어오기 전에 집을 떠났다고 시가 밝혔다.",
            "많은 도로가 폐쇄되었고 수요일 전에는 기차가 다니지 않을 것이라고 철도 회사가 성명에서 말했다.",
        ),
        28, "2024. 5. 6. 오후 7:08", "홍길동 기자 hong@daily.example", "홍길동",
    ),
    Tongue(
        "ru", "windows-1251", "Шторм достиг побережья и закрыл порт",
        (
            "Шторм достиг побережья в понедельник вечером, и сотни людей покинули свои дома до прихода воды.",
            "Многие дороги закрыты, и поезда не пойдут до среды, сообщила железнодорожная компания в заявлении.",
        ),
        29, "6 мая 2024", "Автор: Иван Петров", "Иван Петров",
    ),
)  # fmt: skip
